/** The agency in a folder of its own: loaded, changed by one process at a time, written back so that a crash loses nothing issued. */
import { closeSync, existsSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes } from '../../codec/hex.ts';
import type { Random } from '../../crypto/random.ts';
import type { Agency, AgencyClock } from '../../set/authority/agency.ts';
import { AgencyError } from '../../set/authority/agency-error.ts';
import { readAgencyFiles, STATE_FILE, writeAgencyFiles } from '../../set/authority/agency-files.ts';
import { makeFolder } from '../files/make-folder.ts';
import { replaceFile } from '../files/replace-file.ts';

const LOCK_FILE = 'agency.lock';

export interface AgencyDirectory {
  readonly directory: string;
  /** Seals the private keys; without it they lie there as PEM, readable by their owner only. */
  readonly password?: string;
  readonly clock: AgencyClock;
  readonly random: Random;
}

/** @throws AgencyError `AGENCY_MISSING`, `AGENCY_FILES_INVALID`, `AGENCY_PASSWORD_NEEDED`; CryptographicError for a wrong password */
export function loadAgency(place: AgencyDirectory): Agency {
  const { directory } = place;
  if (!existsSync(join(directory, STATE_FILE))) {
    throw new AgencyError('AGENCY_MISSING', `there is no agency in ${directory}`);
  }
  return readAgencyFiles({ ...place, read: (name) => readIfThere(join(directory, name)) });
}

/** Writes a new agency. @throws AgencyError `AGENCY_EXISTS` rather than write over another one. */
export function saveNewAgency(place: AgencyDirectory, agency: Agency): void {
  makeFolder(place.directory);
  locked(place.directory, () => {
    if (existsSync(join(place.directory, STATE_FILE))) {
      throw new AgencyError('AGENCY_EXISTS', `there is an agency in ${place.directory} already`);
    }
    writeFiles(place, agency);
  });
}

/** Loads, lets `change` do its work, and writes back before anything that was issued is handed out. */
export function changeAgency<T>(place: AgencyDirectory, change: (agency: Agency) => T): T {
  if (!existsSync(place.directory)) throw new AgencyError('AGENCY_MISSING', `there is no agency in ${place.directory}`);
  return locked(place.directory, () => {
    const agency = loadAgency(place);
    const result = change(agency);
    writeFiles(place, agency);
    return result;
  });
}

/** Keys first: the state never names a key that is not there yet. */
function writeFiles({ directory, password, random }: AgencyDirectory, agency: Agency): void {
  const files = [...writeAgencyFiles(agency, { random, ...(password !== undefined && { password }) })];
  const ordered = [...files.filter(([name]) => name !== STATE_FILE), ...files.filter(([name]) => name === STATE_FILE)];
  for (const [name, content] of ordered) {
    const before = readIfThere(join(directory, name));
    if (before === undefined || !equalBytes(before, content)) replaceFile(join(directory, name), content);
  }
}

function readIfThere(file: string): Uint8Array | undefined {
  return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined;
}

function locked<T>(directory: string, act: () => T): T {
  const file = join(directory, LOCK_FILE);
  takeLock(file);
  try {
    return act();
  } finally {
    unlinkSync(file);
  }
}

function takeLock(file: string): void {
  if (existsSync(file) && !isAlive(Number(readFileSync(file, 'utf8')))) unlinkSync(file);
  try {
    const descriptor = openSync(file, 'wx', 0o600);
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
  } catch (cause) {
    throw new AgencyError('AGENCY_BUSY', 'another process is at work on this agency: try again', { cause });
  }
}

/** A lock whose process has died is no lock. */
function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
