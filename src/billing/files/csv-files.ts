/**
 * The adapter for CSV: a file a business day, a line a record, each once. A line counts when it is whole; what a crash left of one is cut
 * off, and the record comes again.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { BillingAdapter } from '../book/billing-adapter.ts';
import { csvHeader, csvLine } from './csv.ts';

const OWNER_ONLY = 0o600;
const OWNER_FOLDER = 0o700;
const LINE_END = '\r\n';
/** Files whose ids are kept in memory: records of a day come in until shortly after its end. */
const KEPT_OPEN = 3;

export function csvFiles(directory: string): BillingAdapter {
  mkdirSync(directory, { recursive: true, mode: OWNER_FOLDER });
  const open = new Map<string, DayFile>();
  const fileOf = (day: string): DayFile => {
    const known = open.get(day) ?? openDay(join(directory, `${day}.csv`));
    // The least recently used comes first.
    open.delete(day);
    open.set(day, known);
    for (const first of open.keys()) if (open.size > KEPT_OPEN) open.delete(first);
    return known;
  };
  return {
    async take(booked) {
      const line = csvLine(booked);
      try {
        fileOf(booked.day).add(line);
      } catch (error) {
        // Part of the line may be there: the file is looked at again before it is written again.
        open.delete(booked.day);
        throw error;
      }
    },
  };
}

interface DayFile {
  add(line: string): void;
}

function openDay(file: string): DayFile {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const end = text.lastIndexOf(LINE_END);
  const whole = end < 0 ? '' : text.slice(0, end + LINE_END.length);
  if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
  if (whole === '') append(file, csvHeader);
  const known = new Set(whole.split(LINE_END).map(idOf));
  return {
    add(line) {
      const id = idOf(line);
      if (known.has(id)) return;
      append(file, line);
      known.add(id);
    },
  };
}

/** The first field as it is written: two ids are never written alike. */
function idOf(line: string): string {
  return /^(?:"(?:[^"]|"")*"|[^,]*)/.exec(line)![0];
}

function append(file: string, line: string): void {
  const descriptor = openSync(file, 'a', OWNER_ONLY);
  try {
    const bytes = Buffer.from(line, 'utf8');
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
