/*
 * screen: how the demo looks. On a terminal with colours and a live line; in a pipe, plain lines only.
 */
const live = Boolean(process.stdout.isTTY);
const colours = live && !process.env.NO_COLOR;
const paint = (code) => (text) => (colours ? `\x1b[${code}m${text}\x1b[0m` : `${text}`);

export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);

export function heading(text) {
  console.log(`\n${bold(text)}`);
}

/* Indented, so that the headings stand out. */
export function say(text = '') {
  console.log(`${text}`.replace(/^(?=.)/gm, '  '));
}

/* What somebody would type, and what comes back. `lines`: no more than so many of it. */
export function shown(command, output, { lines = Infinity } = {}) {
  const all = output.trimEnd().split('\n');
  say(dim(`$ ${command}`));
  say(all.slice(0, lines).join('\n'));
  if (all.length > lines) say(dim(`… ${all.length - lines} more lines`));
}

export function table(rows) {
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) say(`${dim(name.padEnd(width))}  ${value}`);
}

export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(2)} ${units[unit]}`;
}

/*
 * One line that moves: show({ phase, bytes, percent }) draws the latest news, end() leaves the line as it is. In a pipe each phase and each
 * ten percent is a line.
 */
export function progressLine() {
  const start = performance.now();
  let news = { phase: 'waiting for the worker', bytes: 0 };
  let told = '';

  const text = () => {
    const { phase, bytes, percent } = news;
    const seconds = `${((performance.now() - start) / 1000).toFixed(1)} s`;
    const bar = percent === undefined ? '' : `[${'#'.repeat(Math.round(percent / 4)).padEnd(25, '.')}] ${`${percent}`.padStart(3)} %  `;
    return `${bar}${phase}  ${bytes ? `${size(bytes)}  ` : ''}${dim(seconds)}`;
  };
  const draw = () => process.stdout.write(`\r\x1b[K  ${text()}`);
  const timer = live ? setInterval(draw, 100) : null;

  return {
    show(latest) {
      news = { ...news, percent: undefined, ...latest };
      if (live) return draw();
      const step = `${news.phase} ${Math.floor((news.percent ?? 0) / 10)}`;
      if (step !== told) say(text());
      told = step;
    },
    end() {
      clearInterval(timer);
      if (live) process.stdout.write('\r\x1b[K');
    },
  };
}
