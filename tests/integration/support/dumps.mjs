/*
 * dumps: dumps that lie somewhere, good ones and others.
 *
 *     const good = await backUp(postgres);               { folder, file, manifestFile, manifest }, made by the job program
 *     const copy = copyOf(good, { manifest: false });    under another name, in a folder of its own
 *     rewrite(copy, (manifest) => ({ ...manifest, ... }));
 */
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './run_folder.mjs';
import { executable } from './scene.mjs';
import { insertConfig } from './schema.mjs';
import { jobProgram, run } from './worker.mjs';

export const manifestOf = (file) => file.replace(/\.dump$/, '.manifest.json');

/* A backup of the server's database, in a folder of its own unless one is named. */
export async function backUp(postgres, { env = {}, folder = temporaryFolder('storage'), url = postgres.url, cwd = undefined } = {}) {
  const sql = await postgres.client();
  const configId = await insertConfig(sql);
  await sql.end();
  const { stdout } = await run([], { binary: jobProgram, cwd, input: JSON.stringify({ name: 'run', data: { kind: 'run', configId } }),
    env: { DATABASE_URL: url, BACKUP_STORAGE_DIR: folder, ...env } });
  const verdict = JSON.parse(stdout.trim().split('\n').pop());
  assert.equal(verdict.type, 'completed', stdout);
  const file = join(folder, verdict.returnvalue.filename);
  return { folder, file, manifestFile: manifestOf(file), manifest: JSON.parse(readFileSync(manifestOf(file), 'utf8')) };
}

/* With the manifest beside it unless told otherwise. */
export function copyOf({ file, manifestFile }, { name = 'copy.dump', manifest = true } = {}) {
  const copy = join(temporaryFolder('copy'), name);
  copyFileSync(file, copy);
  if (manifest) copyFileSync(manifestFile, manifestOf(copy));
  return copy;
}

/* Changes what the manifest beside a dump says. */
export function rewrite(file, change) {
  writeFileSync(manifestOf(file), JSON.stringify(change(JSON.parse(readFileSync(manifestOf(file), 'utf8')))));
}

/* One bit. */
export function flip(file, at) {
  const bytes = readFileSync(file);
  bytes[at] ^= 1;
  writeFileSync(file, bytes);
}

/* PATH with another pg_restore in front; `real` in it is the real one. */
export const restoreBy = (script) => ({
  PATH: [dirname(executable(`#!/bin/sh\nreal() { PATH='${process.env.PATH}' command pg_restore "$@"; }\n${script}\n`, 'pg_restore')), process.env.PATH].join(':'),
});
