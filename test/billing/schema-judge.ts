/** Whether ISO 20022 documents are valid, by the judgement of libxml2: test/billing/iso20022/README.md says by which schemas. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { validateXML } from 'xmllint-wasm';

const OWN = fileURLToPath(new URL('iso20022', import.meta.url));
const PUBLISHED = process.env.HANDSEL_ISO20022_SCHEMAS;
const JAR = '/usr/share/java/hbci4j-core.jar';
const NAMESPACE = /urn:iso:std:iso:20022:tech:xsd:((?:camt|pacs)\.\d{3})\.001\.\d{2}/;

interface Schema {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  /** What it includes. */
  readonly parts?: readonly string[];
}

const fileIn = (folder: string, name: string): Schema => {
  return { name: `${folder}/${name}`, file: name, text: readFileSync(join(folder, name), 'utf8') };
};

/** The published schema of reports, where the system has it. */
export const reportSchema = (): Schema | undefined => {
  if (!existsSync(JAR)) return undefined;
  const { status, stdout } = spawnSync('unzip', ['-p', JAR, 'camt.052.001.08.xsd'], { encoding: 'utf8' });
  return status === 0 ? { name: 'the published camt.052', file: 'camt.052.001.08.xsd', text: stdout } : undefined;
};

/** One line a fault; the documents are of any messages. */
export async function schemaFaults(documents: readonly string[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const [message, ofMessage] of Map.groupBy(documents, messageOf)) {
    const published = PUBLISHED === undefined ? [] : readdirSync(PUBLISHED).filter((name) => name.startsWith(message));
    const schemas = [
      { ...fileIn(OWN, `${message}.001.08.xsd`), parts: ['parts.xsd', 'account-parts.xsd'] },
      ...published.map((name) => fileIn(PUBLISHED!, name)),
    ];
    for (const schema of schemas) faults.push(...(await faultsBy(schema, ofMessage)));
  }
  return faults;
}

/** As reports, whose entries and balances are the same types: of statements and notifications only. */
export async function reportFaults(schema: Schema, documents: readonly string[]): Promise<readonly string[]> {
  const reports = documents.map((document) =>
    document
      .replaceAll(/BkToCstmrStmt|BkToCstmrDbtCdtNtfctn/g, 'BkToCstmrAcctRpt')
      .replaceAll('StmtPgntn', 'RptPgntn')
      .replaceAll(/(<\/?)(?:Stmt|Ntfctn)>/g, '$1Rpt>'),
  );
  return faultsBy(schema, reports);
}

async function faultsBy({ name, file, text, parts = [] }: Schema, documents: readonly string[]) {
  const [namespace] = NAMESPACE.exec(text)!;
  const { errors, valid } = await validateXML({
    xml: documents.map((document, at) => {
      return { fileName: `${at}.xml`, contents: document.replace(NAMESPACE, namespace) };
    }),
    schema: [{ fileName: file, contents: text }],
    preload: parts.map((part) => ({ fileName: part, contents: readFileSync(join(OWN, part), 'utf8') })),
    maxMemoryPages: 4096,
  });
  return valid ? [] : errors.map(({ rawMessage }) => `${name}: ${rawMessage}`);
}

function messageOf(document: string): string {
  return NAMESPACE.exec(document)?.[1] ?? 'no message';
}
