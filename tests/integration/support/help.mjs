/*
 * help: what the program says of itself: its commands, and the options of each.
 *
 *     await commandNames()        ['worker', 'run', ...], without help and version
 *     await optionsOf('list')     [{ label: '-n, --limit=N', letter: 'n', long: 'limit', value: 'N' }, ...], with --help
 */
import { run } from './worker.mjs';

export const helpOf = async (...words) => (await run([...words, '--help'])).stdout;

export async function commandNames() {
  const names = [...(await helpOf()).matchAll(/^ {2}([a-z]+) +\S/gm)].map(([, name]) => name);
  return names.filter((name) => !['help', 'version'].includes(name));
}

export async function optionsOf(name) {
  const labels = (await helpOf(name)).matchAll(/^ {2,6}((?:-(?<letter>\w), )?--(?<long>[a-z-]+)(?:=(?<value>\S+))?)(?: |$)/gm);
  return [...labels].map(([, label, letter, long, value]) => ({ label, letter: letter ?? null, long, value: value ?? null }));
}
