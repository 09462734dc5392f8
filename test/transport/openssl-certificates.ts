/** Certificates for tests of TLS, made by an independent tool. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestAuthority {
  readonly anchorsPem: string;
  issue(subject: string): { certificateChainPem: string; privateKeyPem: string };
  /** A revocation list that names these certificates. */
  revoke(...certificatesPem: readonly string[]): string;
  /** Where the files lie, for tools that want files. */
  readonly directory: string;
  remove(): void;
}

const CONFIGURATION = `
default_ca = list
[req]
distinguished_name = none
[none]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[party]
basicConstraints = critical, CA:false
subjectAltName = DNS:localhost, IP:127.0.0.1
[list]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 1
`;

export function createAuthority(name: string): TestAuthority {
  const directory = mkdtempSync(join(tmpdir(), 'handsel-tls-'));
  const path = (file: string) => join(directory, file);
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' });
  const newKey = (file: string) =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', file);
  const read = (file: string) => readFileSync(path(file), 'utf8');

  writeFileSync(path('openssl.cnf'), CONFIGURATION);
  writeFileSync(path('index.txt'), '');
  writeFileSync(path('crlnumber'), '01\n');
  newKey('ca.key');
  const self = ['req', '-x509', '-config', 'openssl.cnf', '-extensions', 'ca', '-days', '2', '-subj', `/CN=${name}`];
  openssl(...self, '-key', 'ca.key', '-out', 'ca.pem');

  return {
    directory,
    anchorsPem: read('ca.pem'),
    issue(subject) {
      const file = subject.replace(/\W/g, '_');
      newKey(`${file}.key`);
      openssl('req', '-new', '-config', 'openssl.cnf', '-subj', subject, '-key', `${file}.key`, '-out', `${file}.csr`);
      const signing = ['x509', '-req', '-in', `${file}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
      openssl(...signing, '-days', '2', '-extfile', 'openssl.cnf', '-extensions', 'party', '-out', `${file}.pem`);
      return { certificateChainPem: read(`${file}.pem`), privateKeyPem: read(`${file}.key`) };
    },
    revoke(...certificatesPem) {
      const ca = ['ca', '-config', 'openssl.cnf', '-keyfile', 'ca.key', '-cert', 'ca.pem'];
      certificatesPem.forEach((pem, index) => {
        writeFileSync(path(`revoked${index}.pem`), pem);
        openssl(...ca, '-revoke', `revoked${index}.pem`);
      });
      openssl(...ca, '-gencrl', '-out', 'list.pem');
      return read('list.pem');
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
