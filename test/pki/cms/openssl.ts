/** OpenSSL as an independent judge of CMS: a folder with certificates and keys it made itself, and its `cms` command. */
import { execFileSync } from 'node:child_process';
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OpensslHolder {
  readonly certificate: Uint8Array;
  readonly privateKey: KeyObject;
  /** Names of the PEM files in the folder. */
  readonly certificateFile: string;
  readonly keyFile: string;
}

export interface OpensslFolder {
  readonly ec: OpensslHolder;
  readonly rsa: OpensslHolder;
  write(name: string, bytes: Uint8Array): string;
  read(name: string): Uint8Array;
  /** Runs `openssl` in the folder. Throws when it fails, with what it said. */
  run(...args: string[]): string;
  remove(): void;
}

const kinds = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
};

export function openOpensslFolder(): OpensslFolder {
  const folder = mkdtempSync(join(tmpdir(), 'handsel-cms-'));
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
  const make = (kind: 'ec' | 'rsa'): OpensslHolder => {
    const certificateFile = `${kind}.pem`;
    const keyFile = `${kind}.key`;
    run(
      'req',
      '-x509',
      '-nodes',
      '-days',
      '30',
      '-subj',
      `/C=NL/CN=${kind}`,
      ...kinds[kind],
      '-keyout',
      keyFile,
      '-out',
      certificateFile,
    );
    return {
      certificateFile,
      keyFile,
      certificate: new Uint8Array(new X509Certificate(read(certificateFile)).raw),
      privateKey: createPrivateKey(Buffer.from(read(keyFile))),
    };
  };
  return {
    ec: make('ec'),
    rsa: make('rsa'),
    run,
    read,
    write(name, bytes) {
      writeFileSync(join(folder, name), bytes);
      return name;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
