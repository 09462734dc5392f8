/**
 * Whether SQLite's write-ahead log is whole (sqlite.org, "WAL-mode File Format"). SQLite takes the first frame that does not match
 * its checksum for the end of the log, whatever follows: a flipped bit would silently undo all that was acknowledged after it.
 */
import { existsSync, readFileSync } from 'node:fs';
import { JournalError } from './journal.ts';

const HEADER_LENGTH = 32;
const FRAME_HEADER_LENGTH = 24;
/** The lowest bit says that checksums are made of big-endian words. */
const MAGIC = 0x377f0682;

/**
 * To be asked before SQLite opens the file: on closing it would remove the log.
 * @throws JournalError `JOURNAL_CORRUPT` when more than the last transaction, which a crash may tear, is damaged.
 */
export function requireWholeLog(file: string): void {
  const log = `${file}-wal`;
  const isDamaged = () => existsSync(log) && damaged(readFileSync(log));
  // Read again, because a log that another process is just writing may look like anything.
  if (!isDamaged() || !isDamaged()) return;
  throw new JournalError(
    'JOURNAL_CORRUPT',
    `${log} is damaged before its end: what was written after that would be lost. Restore both files from a copy.`,
  );
}

function damaged(log: Buffer): boolean {
  if (log.length <= HEADER_LENGTH) return false;
  const isBigEndian = (log.readUInt32BE(0) & 1) === 1;
  const sum = createChecksum(log, isBigEndian);
  sum.add(0, HEADER_LENGTH - 8);
  // It was flushed before the first frame was written.
  if ((log.readUInt32BE(0) & ~1) >>> 0 !== MAGIC || !sum.isAt(HEADER_LENGTH - 8)) return true;

  const frameLength = FRAME_HEADER_LENGTH + log.readUInt32BE(8);
  let isWhole = true;
  let commitsBeyond = 0;
  for (let start = HEADER_LENGTH; start + frameLength <= log.length; start += frameLength) {
    // Frames of an earlier use of the log have other salts.
    const isOfThisLog = log.compare(log, 16, 24, start + 8, start + 16) === 0;
    if (isWhole) {
      sum.add(start, start + 8);
      sum.add(start + FRAME_HEADER_LENGTH, start + frameLength);
      isWhole = isOfThisLog && sum.isAt(start + 16);
    }
    const isCommit = log.readUInt32BE(start + 4) !== 0;
    if (!isWhole && isOfThisLog && isCommit) commitsBeyond += 1;
  }
  // A transaction is flushed before the next one begins, so only the last can be torn.
  return commitsBeyond > 1;
}

/** Two sums that run on from frame to frame. */
function createChecksum(log: Buffer, isBigEndian: boolean) {
  const view = new DataView(log.buffer, log.byteOffset, log.byteLength);
  let [first, second] = [0, 0];
  return {
    add(from: number, to: number): void {
      for (let at = from; at < to; at += 8) {
        first = (first + view.getUint32(at, !isBigEndian) + second) >>> 0;
        second = (second + view.getUint32(at + 4, !isBigEndian) + first) >>> 0;
      }
    },
    isAt: (at: number): boolean => view.getUint32(at) === first && view.getUint32(at + 4) === second,
  };
}
