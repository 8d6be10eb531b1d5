import { chromium } from 'playwright-core';
const [file, prefix] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
for (const [name, width] of [['phone', 390], ['desktop', 1280]])
  for (const colorScheme of ['light', 'dark']) {
    const page = await browser.newPage({ viewport: { width, height: 844 }, colorScheme, deviceScaleFactor: 1 });
    await page.goto(file);
    await page.screenshot({ path: `${prefix}-${name}-${colorScheme}.png`, fullPage: true });
    await page.close();
  }
await browser.close();
