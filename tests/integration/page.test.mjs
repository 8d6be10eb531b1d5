/* page: the worker's status page in a real browser, at the width of a phone and of a desktop, light and dark. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { untilState, versions } from './support/bullmq.mjs';
import { startPostgres } from './support/postgres.mjs';
import { startRedis } from './support/redis.mjs';
import { freePort, temporaryFolder } from './support/run_folder.mjs';
import { openScene } from './support/scene.mjs';
import { insertConfig, insertRun } from './support/schema.mjs';
import { eventually } from './support/wait.mjs';

const browserProgram = '/usr/bin/chromium';
const browserOptions = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const dayMs = 86_400_000;
const evil = `<script>document.title = 'gone'</script> "Weekly" & 'far'`;

let redis;
let postgres;
let browser;
before(async () => {
  [redis, postgres, browser] = await Promise.all([startRedis(), startPostgres(), chromium.launch({ executablePath: browserProgram, args: browserOptions })]);
});
after(() => Promise.all([redis.stop(), postgres.stop(), browser.close()]));

/* WEAVESTREAM_TEST_SCREENSHOTS names a folder to keep the pictures in. */
const pictures = process.env.WEAVESTREAM_TEST_SCREENSHOTS ?? temporaryFolder('screenshots');
mkdirSync(pictures, { recursive: true });

async function look(t, address, { width, colorScheme, name }) {
  const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme });
  t.after(() => page.close());
  const requested = [];
  const complaints = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  const response = await page.goto(address);
  assert.equal(response.status(), 200);
  assert.match(response.headers()['content-security-policy'], /default-src 'none'/);
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  assert.deepEqual(requested.filter((url) => !url.endsWith('/favicon.ico')), [address], 'nothing comes from elsewhere');
  assert.deepEqual(complaints.filter((text) => !text.includes('favicon')), []);
  return page;
}

/* The relative luminance of a CSS colour, and the contrast of two, as WCAG defines them. */
const luminance = (color) => {
  const [red, green, blue] = color.match(/[\d.]+/g).slice(0, 3).map(Number).map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => (Math.max(luminance(one), luminance(other)) + 0.05) / (Math.min(luminance(one), luminance(other)) + 0.05);

describe('the status page', () => {
  test('shows the schedules and the last runs, on each screen, and what is wrong', async (t) => {
    const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
    const port = await freePort();
    const address = `http://127.0.0.1:${port}/`;
    await scene.start({ env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${port}`, BACKUP_FACTS_SECONDS: '1' } });
    const { configId, job } = await scene.runNow({ name: evil, cron: '0 3 * * *', timezone: 'Europe/Berlin' });
    await untilState(scene.queue, job, 'completed');
    for (let day = 1; day <= 30; day++) {
      const failed = day % 11 === 4;
      const at = new Date(Date.now() - day * dayMs);
      await insertRun(scene.sql, { config_id: configId, kind: 'SCHEDULED', status: failed ? 'failed' : 'success', created_at: at, started_at: at,
        finished_at: new Date(at.getTime() + 90_000 + day * 1000), size_bytes: failed ? null : 1_900_000_000 - day * 12_000_000, error: failed ? `pg_dump: ${'connection lost '.repeat(12)}<b>` : null });
    }
    await insertConfig(scene.sql, { name: 'Switched off', enabled: false });
    await insertConfig(scene.sql, { name: 'Odd', timezone: 'Europe/Atlantis' });
    await eventually(async () => (await (await fetch(address)).text()).includes('Switched off'), { what: 'the facts to be seen' });

    for (const [kind, width] of [['phone', 360], ['desktop', 1280]])
      for (const colorScheme of ['light', 'dark']) {
        const page = await look(t, address, { width, colorScheme, name: `status-${kind}-${colorScheme}` });
        const seen = await page.evaluate(() => {
          const style = (selector) => getComputedStyle(document.querySelector(selector));
          return {
            title: document.title,
            text: document.body.innerText,
            overflow: document.documentElement.scrollWidth - innerWidth,
            wideTables: [...document.querySelectorAll('.table')].filter((table) => table.scrollWidth > table.clientWidth + 1).length,
            plots: [...document.querySelectorAll('svg.plot')].map((plot) => [plot.querySelectorAll('rect').length, plot.querySelectorAll('rect.failed').length]),
            tooltip: document.querySelector('svg.plot rect.size title').textContent,
            ground: style('body').backgroundColor,
            colors: ['body', '.quiet', '.tile .label', 'td small'].map((selector) => style(selector).color),
            card: style('.card').backgroundColor,
            pills: [...document.querySelectorAll('.pill')].map((pill) => [getComputedStyle(pill).color, getComputedStyle(pill).backgroundColor]),
          };
        });
        assert.equal(seen.title, 'Backups', 'no name is a script');
        assert.deepEqual([seen.overflow, seen.wideTables], [0, 0], `${kind}: everything fits`);
        assert.deepEqual(seen.plots, [[31, 3], [31, 3]], 'a bar for each run');
        assert.match(seen.tooltip, /^\d+ \w{3} \d{4}, \d\d:\d\d UTC: 1\.\d\d GiB$/);
        for (const words of ['Not ready', evil, `'Odd' cannot be followed: time zone 'Europe/Atlantis' does not exist`, 'Unusable', 'Disabled', 'Last good backup', 'pg_dump: connection lost'])
          assert.ok(seen.text.includes(words), `${words} in ${seen.text}`);
        assert.equal(luminance(seen.ground) < 0.2, colorScheme === 'dark');
        for (const color of seen.colors) assert.ok(contrast(color, seen.card) >= 4.5, `${color} on ${seen.card}`);
        for (const [color, ground] of seen.pills) assert.ok(contrast(color, ground) >= 4.5, `${color} on ${ground}`);
      }
  });

  test('the words in a plot never lie on each other, however many bars it has', async (t) => {
    const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
    const port = await freePort();
    const address = `http://127.0.0.1:${port}/`;
    await scene.start({ env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${port}`, BACKUP_FACTS_SECONDS: '1' } });
    const config_id = await insertConfig(scene.sql);
    for (let bars = 1; bars <= 17; bars++) {
      const at = new Date(Date.now() - (28 * 24 - bars) * 3_600_000);
      await insertRun(scene.sql, { config_id, status: 'success', created_at: at, started_at: at, finished_at: new Date(at.getTime() + 1000), size_bytes: 1000 });
      if (![1, 9, 15, 16, 17].includes(bars)) continue;
      await eventually(async () => (await (await fetch(address)).text()).split('<rect class="size"').length === bars + 1, { what: `${bars} bars` });
      for (const width of [360, 1100]) {
        const page = await look(t, address, { width, colorScheme: 'light', name: `status-${bars}-bars-${width}` });
        const texts = await page.evaluate(() => [...document.querySelectorAll('svg.plot')].map((plot) => [...plot.querySelectorAll('text')].map((text) => {
          const { left, right, top, bottom } = text.getBoundingClientRect();
          return { text: text.textContent, left, right, top, bottom };
        })));
        for (const plot of texts)
          for (const one of plot)
            for (const other of plot)
              assert.ok(one === other || one.right <= other.left || other.right <= one.left || one.bottom <= other.top || other.bottom <= one.top,
                `${bars} bars, ${width} px: '${one.text}' lies on '${other.text}'`);
        const dates = texts[0].filter(({ text }) => text.endsWith(' UTC')).length;
        assert.equal(dates, bars < 16 ? 1 : 2);
        await page.close();
      }
    }
  });

  test('shows how far a running job is, and what is not known yet', async (t) => {
    const scene = await openScene(t, { redis, postgres, bullmq: versions['6.7.0'] });
    const port = await freePort();
    const release = await scene.holdDumps();
    await scene.runNow();
    const worker = await scene.start({ env: { BACKUP_HTTP_LISTEN: `127.0.0.1:${port}`, DATABASE_URL: scene.environment.DATABASE_URL }, args: ['--facts', 'sleep 60'] });
    await worker.waitForEvent('backup started');
    await eventually(async () => (await (await fetch(`http://127.0.0.1:${port}/`)).text()).includes('<p class="quiet">dump'), { what: 'the phase to be seen' });
    const page = await look(t, `http://127.0.0.1:${port}/`, { width: 1280, colorScheme: 'light', name: 'status-running' });
    const text = await page.evaluate(() => document.body.innerText);
    assert.match(text, /Running: run · job \d+, since /);
    assert.match(text, /facts nobody has looked yet/);
    assert.match(text, /Last good backup\n–/);
    await release();
  });
});
