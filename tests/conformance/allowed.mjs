/*
 * allowed: where our worker may leave something else than bullmq's. Each entry: in scenarios with such a title, under such a key, such a line of
 * bullmq's and such a line of ours, and why that is right. An entry that no run needs is a failure.
 */
export const allowed = [
  {
    scenario: /^the lock vanished, and the job (completes|fails)$/,
    key: /^bull:work:(1|active|completed|failed|events)$/,
    bullmq: /^(list|"1")$/, // the job stays active
    ours: /^(zset|"1" <finishedOn>|atm|finishedOn|returnvalue|failedReason|stacktrace|event=(completed|failed|retries-exhausted|drained))( |$)/,
    reason: `A lock vanishes when Redis restarts without its last second. While the job is active, and in the attempt that we started, nobody
      else can have it: its outcome is worth more than running it again.`,
  },
  {
    scenario: /^an id that waits without a job$/,
    key: /^(bull:work:(ghost|completed|events)|jobs as the work saw them)$/,
    bullmq: /ghost|^(hash|atm "1"|ats "1"|finishedOn <time>|processedOn <time>|returnvalue "\\"done\\"")$/,
    reason: 'There is no job to run. bullmq makes an empty one up, and completes it.',
  },
  {
    scenario: /^(data that is no JSON|a backoff of an unknown type)$/,
    key: /^(bull:work:(1|1:lock|active|completed|failed|events)|jobs as the work saw them)$/,
    bullmq: /^(string, gone in ~\d+|<token>|list|"1")$/, // the job stays active
    ours: /^(zset|"1" <finishedOn>|atm|finishedOn|returnvalue|failedReason|stacktrace|event=(completed|failed|drained)|\{"id":"1",.*)( |$)/,
    reason: `bullmq's worker breaks on it: the job stays active until it stalls, and then again. Ours tells the job program that its data is no
      JSON, and fails a job whose next attempt cannot be set.`,
  },
  {
    scenario: /^a job that is started too often, failing, fails$/,
    key: /^bull:work:(1|events)$/,
    bullmq: /^(atm "3"|ats "3"|(failedReason|stacktrace) .*job started more than allowable limit.*|event=(waiting|active|failed) .*)$/,
    ours: /^(atm "2"|ats "2"|(failedReason|stacktrace) .*once more.*|event=failed .*)$/,
    reason: `An attempt that would be refused is not begun: so does bullmq 6.7.0, while 5.76.2 begins it to fail it. One worker serves queues of
      both.`,
  },
  {
    scenario: /^a schedule with (no such|neither|both|no repeat)/,
    key: /^(bull:work:(repeat:nightly:\d+(:lock)?|active|completed|events)|jobs as the work saw them)$/,
    bullmq: /^(string, gone in ~\d+|<token>|list|"repeat:nightly:\d+")$/, // the job stays active
    ours: /^("repeat:nightly:\d+" <finishedOn>|(atm|finishedOn|returnvalue|event=(completed|drained)) .*|event=drained|\{"id":"repeat:nightly:.*)$/,
    reason: `bullmq's worker lets the job stall, and take up a worker again and again. Ours runs it, and tells in the log that none can follow.`,
  },
  {
    scenario: /^an old repeatable job is removed while its job waits$/,
    key: /^bull:work:(delayed|events|id|repeat::\d+)$/,
    bullmq: /./, // one more job, which names no schedule
    ours: /^("1"|event=drained)$/,
    reason: 'What was removed is over. bullmq goes on with it, under no name, by which it could be removed.',
  },
];
