/*
 * archive_data: where in an archive of pg_dump's custom format the tables' data is.
 *
 *     const data = dataOf(bytes);
 *     data.from                 where the first block begins
 *     data.holds(place)         whether that byte is a table's or large object's own, and not a length or a number beside it
 *
 * Behind the table of contents, whose layout changes from version to version, comes one block after the other: its kind (1: a table, 3: large
 * objects), the number of its entry, and pieces of data with their lengths, up to a length of 0; of large objects, so for each, behind its
 * id, up to an id of 0. The data begins at the first place from which such blocks lead to the very end.
 */
const TABLE = 1;
const LARGE_OBJECTS = 3;

/* A sign and four bytes. */
function integerAt(bytes, at) {
  if (at + 5 > bytes.length || bytes[at] > 1) throw new RangeError();
  const number = bytes.readUInt32LE(at + 1);
  return bytes[at] === 1 ? -number : number;
}

function skipPieces(bytes, at, pieces) {
  for (;;) {
    const length = integerAt(bytes, at);
    if (length < 0 || at + 5 + length > bytes.length) throw new RangeError();
    at += 5;
    if (length === 0) return at;
    pieces.push({ from: at, to: at + length });
    at += length;
  }
}

function skipLargeObjects(bytes, at, pieces) {
  while (integerAt(bytes, at) !== 0) at = skipPieces(bytes, at + 5, pieces);
  return at + 5;
}

/* The pieces of all blocks from there to the end; null: no block begins there. */
function readBlocks(bytes, at) {
  const pieces = [];
  try {
    while (at < bytes.length) {
      if (bytes[at] !== TABLE && bytes[at] !== LARGE_OBJECTS) return null;
      if (integerAt(bytes, at + 1) <= 0) return null;
      at = (bytes[at] === TABLE ? skipPieces : skipLargeObjects)(bytes, at + 6, pieces);
    }
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
  return pieces;
}

export function dataOf(bytes) {
  for (let from = 0; from < bytes.length; from++) {
    const pieces = readBlocks(bytes, from);
    if (pieces !== null && pieces.length > 0) return { from, holds: (place) => pieces.some((piece) => place >= piece.from && place < piece.to) };
  }
  throw new Error('the archive has no data');
}
