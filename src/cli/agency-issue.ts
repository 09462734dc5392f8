/** `handsel agency issue …`: certificates for cardholders, merchants, gateways and for communication, with keys made here or elsewhere. */
import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { toHex } from '../codec/hex.ts';
import { systemRandom } from '../crypto/random.ts';
import { generateP256 } from '../crypto/signature.ts';
import { ConfigurationError, readJsonFile } from '../party/configuration/configuration.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { readChain } from '../party/running/communication.ts';
import { changeAgency } from '../party/trusted/agency-directory.ts';
import type { Certificate } from '../pki/certificate.ts';
import { readCertificateRequest } from '../pki/certificate-request.ts';
import { formatName } from '../pki/name.ts';
import { fromPemLabelled, toPem } from '../pki/pem.ts';
import { publicKeyHash } from '../pki/public-key.ts';
import type { Agency } from '../set/authority/agency.ts';
import { AgencyError } from '../set/authority/agency-error.ts';
import { type IssuedPair, issueGateway, issueMerchant } from '../set/authority/issue-acceptance.ts';
import { issueCardholder } from '../set/authority/issue-cardholder.ts';
import { issueAgentAuthority, issueCommunication } from '../set/authority/issue-communication.ts';
import { derivePanSecret, registrationTranscript } from '../set/message/cardholder-identity.ts';
import { type PlaceOptions, placeOf, show, type Write, withPlace } from './agency-place.ts';

const EXAMPLES = `
Without --request the key is made here and written beside the certificate, readable by its owner only.

Examples:
  A shop's certificate for talking to others, and the ones for SET:
    $ handsel agency issue communication --name shop --host shop.example --host 127.0.0.1 --out shop
    $ handsel agency issue merchant --brand ACME --id SHOP-1 --name "The Shop" --city Delft \\
        --country NL --country-number 528 --acquirer "Some Bank" --bin 400000 --out shop

  A card, from a file such as {"pan":"4444333322221111","expiry":"202812"}:
    $ handsel agency issue cardholder --brand ACME --issuer "Some Bank" --card card.json --out alice

  With a key made elsewhere:
    $ openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout k.pem -out r.pem
    $ handsel agency issue communication --name market --host localhost --request r.pem --out market
`;

interface OutOptions extends PlaceOptions {
  readonly out: string;
}

export function agencyIssueCommand(write: Write): Command {
  const issue = new Command('issue').description('issue certificates').addHelpText('after', EXAMPLES);
  issue.addCommand(cardholderCommand(write));
  issue.addCommand(merchantCommand(write));
  issue.addCommand(gatewayCommand(write));
  issue.addCommand(communicationCommand(write));
  issue.addCommand(agentAuthorityCommand(write));
  return issue;
}

function leaf(name: string, description: string): Command {
  return withPlace(new Command(name).description(description)).requiredOption(
    '--out <dir>',
    'folder for what is issued, made when it is not there',
  );
}

/** A key of the holder's: from its request, or made here. Nothing is written before the agency has issued. */
function keyFrom(requestFile: string | undefined): { publicKey: KeyObject; save(file: string): readonly string[] } {
  if (requestFile !== undefined) {
    return { publicKey: requestedKey(requestFile), save: () => [] };
  }
  const { publicKey, privateKey } = generateP256();
  return {
    publicKey,
    save(file) {
      replaceFile(file, toPem('PRIVATE KEY', new Uint8Array(privateKey.export({ format: 'der', type: 'pkcs8' }))));
      return [file];
    },
  };
}

/** @throws ConfigurationError that names the file */
function requestedKey(file: string): KeyObject {
  const bytes = readFileSync(file);
  try {
    return readCertificateRequest(pemOrDer(bytes)).publicKey;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError(`${file} does not hold a certificate request: ${why}`, cause);
  }
}

function pemOrDer(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0x30
    ? new Uint8Array(bytes)
    : fromPemLabelled(Buffer.from(bytes).toString('utf8'), 'CERTIFICATE REQUEST')[0]!;
}

/** Keys that were there stay there: they may be all that opens something. */
function refuseOverwriting(...files: readonly string[]): void {
  const taken = files.find((file) => existsSync(file));
  if (taken !== undefined) {
    throw new AgencyError('AGENCY_FILE_EXISTS', `${taken} is there already: name another folder, or move it away`);
  }
}

/** The chain without its root, own certificate first, as TLS wants it. */
function saveChain(file: string, chain: readonly Certificate[]): string {
  replaceFile(file, pemOf(chain.slice(0, -1)), 0o644);
  return file;
}

function pemOf(certificates: readonly Certificate[]): string {
  return certificates.map(({ der }) => toPem('CERTIFICATE', der)).join('');
}

function report(write: Write, json: true | undefined, certificates: readonly Certificate[], files: readonly string[]) {
  const issued = certificates.map((certificate) => ({
    subject: formatName(certificate.subject),
    serial: certificate.serial.toString(16),
    notAfter: certificate.notAfter.toISOString(),
  }));
  show(write, json, { issued, files }, [
    ...issued.map(({ subject, serial, notAfter }) => `issued ${subject}\n  serial ${serial}, until ${notAfter}`),
    ...files.map((file) => `wrote  ${file}`),
  ]);
}

const cardSchema = z.strictObject({
  pan: z.string().regex(/^\d{12,19}$/),
  /** YYYYMM */
  expiry: z.string().regex(/^\d{6}$/),
});

function cardholderCommand(write: Write): Command {
  return leaf('cardholder', "a cardholder's signature certificate, under a blinded identity")
    .requiredOption('--brand <id>', 'brand of the card')
    .requiredOption('--issuer <name>', 'the bank')
    .requiredOption(
      '--card <file>',
      'JSON with `pan` and `expiry` (YYYYMM); never on the command line, where all can see it',
    )
    .option('--request <file>', 'PKCS #10 request, PEM or DER')
    .action((options: OutOptions & { brand: string; issuer: string; card: string; request?: string }) => {
      const card = readJsonFile(options.card, cardSchema);
      const [keyFile, chainFile, secretFile] = ['set.key.pem', 'set.chain.pem', 'card.json'].map((name) =>
        join(options.out, name),
      ) as [string, string, string];
      refuseOverwriting(secretFile, ...(options.request ? [] : [keyFile]));
      const { publicKey, save } = keyFrom(options.request);
      const cardSecret = systemRandom(32);
      const names = { brandId: options.brand, issuerName: options.issuer };
      const { certificate, chain, nonceCca } = changeAgency(placeOf(options), (agency) =>
        issueCardholder(agency, { ...card, ...names, publicKey, cardSecret }),
      );
      const transcript = registrationTranscript({
        brandId: options.brand,
        keyHash: publicKeyHash(publicKey),
        caThumb: chain[1]!.thumb,
      });
      const panSecret = derivePanSecret({ cardSecret, nonceCca, transcript });
      const secrets = { ...card, brand: options.brand, cardSecret: toHex(cardSecret), panSecret: toHex(panSecret) };
      replaceFile(secretFile, `${JSON.stringify(secrets, undefined, 2)}\n`);
      report(write, options.json, [certificate], [...save(keyFile), saveChain(chainFile, chain), secretFile]);
    });
}

interface PairOptions extends OutOptions {
  readonly brand: string;
  readonly id: string;
  readonly acquirer: string;
  readonly country: string;
  readonly signatureRequest?: string;
  readonly encryptionRequest?: string;
}

function pairCommand(name: string, description: string): Command {
  return leaf(name, description)
    .requiredOption('--brand <id>', 'brand under which cards are accepted')
    .requiredOption('--id <id>', `how the ${name} is known in SET`)
    .requiredOption('--acquirer <name>', 'the bank behind it')
    .requiredOption('--country <code>', 'two letters of ISO 3166-1')
    .option('--signature-request <file>', 'PKCS #10 request of the signature key')
    .option('--encryption-request <file>', 'PKCS #10 request of the encryption key');
}

type PairKeys = Readonly<Record<'signatureKey' | 'encryptionKey', KeyObject>>;

function issuePair(write: Write, options: PairOptions, issue: (agency: Agency, keys: PairKeys) => IssuedPair): void {
  const at = (name: string) => join(options.out, name);
  const made = [
    ...(options.signatureRequest ? [] : [at('signature.key.pem')]),
    ...(options.encryptionRequest ? [] : [at('encryption.key.pem')]),
  ];
  refuseOverwriting(...made);
  const signature = keyFrom(options.signatureRequest);
  const encryption = keyFrom(options.encryptionRequest);
  const keys = { signatureKey: signature.publicKey, encryptionKey: encryption.publicKey };
  const pair = changeAgency(placeOf(options), (agency) => issue(agency, keys));
  const files = [
    ...signature.save(at('signature.key.pem')),
    saveChain(at('signature.chain.pem'), [pair.signature, ...pair.issuers]),
    ...encryption.save(at('encryption.key.pem')),
    saveChain(at('encryption.chain.pem'), [pair.encryption, ...pair.issuers]),
  ];
  report(write, options.json, [pair.signature, pair.encryption], files);
}

function merchantCommand(write: Write): Command {
  type Options = PairOptions & { name: string; city: string; countryNumber: number; bin: string };
  return pairCommand('merchant', "a merchant's signature and encryption certificates")
    .requiredOption('--name <text>', 'what the merchant is called')
    .requiredOption('--city <text>', 'where it is')
    .requiredOption('--country-number <number>', 'the same country as a number of ISO 3166-1', countryNumber)
    .requiredOption('--bin <digits>', 'six digits of the acquirer', sixDigits)
    .action((options: Options) => {
      const { brand: brandId, id: merchantId, acquirer: acquirerName, bin: acquirerBin } = options;
      const { name, city, country, countryNumber: number } = options;
      const shop = { brandId, merchantId, acquirerName, acquirerBin, name, city, country, countryNumber: number };
      issuePair(write, options, (agency, keys) => issueMerchant(agency, { ...keys, ...shop }));
    });
}

function gatewayCommand(write: Write): Command {
  return pairCommand('gateway', "a payment gateway's signature and encryption certificates").action(
    (options: PairOptions) => {
      const { brand: brandId, id: gatewayId, acquirer: acquirerName, country } = options;
      issuePair(write, options, (agency, keys) =>
        issueGateway(agency, { ...keys, brandId, gatewayId, acquirerName, country }),
      );
    },
  );
}

interface CommunicationCommandOptions extends OutOptions {
  readonly name: string;
  readonly unit: string;
  readonly host: readonly string[];
  readonly request?: string;
  readonly renew?: boolean;
}

function communicationCommand(write: Write): Command {
  return leaf('communication', "a party's certificate for TLS, signing and receiving agent messages")
    .requiredOption('--name <name>', "the party's name")
    .option('--unit <name>', 'organizational unit', 'Parties')
    .option(
      '--host <name>',
      'host name or address it serves at; repeat it',
      (host, hosts: string[]) => [...hosts, host],
      [],
    )
    .option('--request <file>', 'PKCS #10 request, PEM or DER')
    .option('--renew', 'the party has a certificate under this name already')
    .action((options: CommunicationCommandOptions) => {
      const at = (name: string) => join(options.out, name);
      if (options.request === undefined) refuseOverwriting(at('communication.key.pem'));
      const { publicKey, save } = keyFrom(options.request);
      const { name, unit, host: hosts, renew = false } = options;
      const { certificate, chain } = changeAgency(placeOf(options), (agency) =>
        issueCommunication(agency, { name, unit, hosts, publicKey, renew }),
      );
      const files = [...save(at('communication.key.pem')), saveChain(at('communication.chain.pem'), chain)];
      replaceFile(at('communication.anchors.pem'), pemOf(chain.slice(-1)), 0o644);
      report(write, options.json, [certificate], [...files, at('communication.anchors.pem')]);
    });
}

function agentAuthorityCommand(write: Write): Command {
  return leaf('agent-authority', 'the authority under which a station certifies its own agents')
    .requiredOption('--station <file>', "the station's communication certificate or chain (PEM)")
    .option('--request <file>', 'PKCS #10 request, PEM or DER')
    .action((options: OutOptions & { station: string; request?: string }) => {
      const at = (name: string) => join(options.out, name);
      if (options.request === undefined) refuseOverwriting(at('agent-authority.key.pem'));
      const station = readChain(options.station)[0]!;
      const { publicKey, save } = keyFrom(options.request);
      const { certificate, chain } = changeAgency(placeOf(options), (agency) =>
        issueAgentAuthority(agency, { station, publicKey }),
      );
      const files = [...save(at('agent-authority.key.pem')), saveChain(at('agent-authority.chain.pem'), chain)];
      report(write, options.json, [certificate], files);
    });
}

function countryNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 999)
    throw new InvalidArgumentError('a number from 1 to 999.');
  return number;
}

function sixDigits(text: string): string {
  if (!/^\d{6}$/.test(text)) throw new InvalidArgumentError('six digits, such as 400000.');
  return text;
}
