/** Turns an error into what a person or a program reads: a stable code, what happened, what to do, and the exit code. */
import { HandselError } from '../handsel-error.ts';
import { asCalled } from './called-as.ts';

const REFUSED = 1;
/** For service managers: starting again would take the stores from whoever has them now. */
const REPLACED = 3;
/** The command line itself could not be understood. */
export const USAGE = 2;
/** EX_SOFTWARE of sysexits: not the person's doing. */
const MISTAKE = 70;

export interface ErrorReport {
  /** For standard error, with a line end. */
  readonly text: string;
  readonly exitCode: number;
}

interface Finding {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  readonly exitCode: number;
}

/** What to do, by the beginning of the code; the first that fits. */
const adviceByCode: readonly (readonly [prefix: string, advice: string])[] = [
  ['CONFIGURATION_', 'Mend the configuration file at the place named.'],
  ['CATALOGUE_ENTRY_', '`handsel merchant catalogue add --help` shows all that can be said.'],
  ['CATALOGUE_', '`handsel merchant catalogue check` lists everything that is wrong with a catalogue.'],
  ['GENIUS_', '`handsel negotiate --help` shows what is expected; examples are in examples/negotiation.'],
  ['NEGOTIATION_', '`handsel negotiate --help` shows what is expected.'],
  ['DER_', 'The bytes are not what they should be; `handsel inspect` shows how far they can be read.'],
  ['CBOR_', 'The bytes are not what they should be; `handsel inspect` shows how far they can be read.'],
  [
    'AGENCY_NAME_TAKEN',
    'For the same party add --renew; otherwise revoke the other certificate first, or take another name.',
  ],
  ['AGENCY_', '`handsel agency --help` shows the commands; `handsel agency list` what there is.'],
  ['PKI_', '`handsel inspect` shows what the certificate, list or request holds.'],
  [
    'CRYPTOGRAPHIC_FAILURE',
    'A wrong password, a damaged file or a wrong key: the reason is not told apart on purpose.',
  ],
  ['AMOUNT_', 'Write amounts as 12.50EUR.'],
  ['CURRENCY_', 'Write amounts as 12.50EUR.'],
  ['CARD_UNKNOWN', '`handsel wallet show` lists the cards.'],
  ['MANDATE_UNKNOWN', '`handsel agent status` lists the agents.'],
  ['TICKET_UNKNOWN', '`handsel tickets list` shows the tickets of a device.'],
  ['TICKET_MALFORMED', 'The files in examples/tickets show how tickets are written down.'],
  ['TICKET_INACTIVE', '`handsel tickets show TICKET --no-code` says how it stands.'],
  ['DEVICE_UNKNOWN', 'Name a device of the network with --device NAME, or the home with --home DIR.'],
  ['DEVICE_NOT_RUNNING', 'If it runs in another folder, name that: --home DIR, or HANDSEL_HOME.'],
  [
    'DEVICE_SILENT',
    'Is the other device running? What was under way goes on, or is undone, by itself: `handsel tickets list`.',
  ],
  ['DEVICE_LOCKED', 'The recovery code gives a new PIN.'],
  ['PIN_WRONG', 'The PIN comes from the file that the configuration names, or from HANDSEL_PIN.'],
  [
    'NOT_DONE',
    'Nothing is lost: `handsel tickets list`. After "refused:" the other side says why not (docs/credentials.md, docs/disputes.md); otherwise: is it running?',
  ],
  ['COSTS_MORE', 'Say with --max how much of it may be paid by card, if it is worth that.'],
  [
    'CODE_TOO_LONG',
    'A ticket that was transferred very often has to be presented over the network: `handsel tickets present`.',
  ],
  [
    'COMES_IN_PERSON',
    'A clerk of the authority gives a code: `handsel credentials visit --help`, then acquire it again.',
  ],
  ['NO_AUTHORITY', 'Name the device of an authority with --device NAME.'],
  ['OFFER_UNKNOWN', '`handsel tickets offers --from DEVICE` lists what is sold.'],
  ['UNDECIDED', '`handsel tickets list` shows the ticket when it has come; the card is charged only if it does.'],
  ['CODE_EMPTY', 'Did the scanner read anything? The holder shows a new code with `handsel tickets show TICKET`.'],
  ['NO_DOOR', 'Name a door with --device NAME.'],
  ['STATION_NOT_RUNNING', 'If it runs in another folder, name that: --home DIR, or HANDSEL_HOME.'],
  ['NETWORK_MISSING', '`handsel network init --home DIR` makes one; `npm start` makes one and runs it.'],
  ['NETWORK_RUNNING', 'Send it agents with `handsel agent send`, or end it with Ctrl-C where it runs.'],
  ['FOLDER_', 'Name another folder. The home is --home DIR, or HANDSEL_HOME.'],
  ['PEER_UNREACHABLE', 'Is it running, and is its URL right: http or https, host and port?'],
  ['SELLER_UNKNOWN', 'Name one of these, or give its URL, as `handsel network init` shows it.'],
  [
    'MERCHANT_UNKNOWN',
    'A merchant needs an account for deposits at the operator it names: nothing can be paid to it before.',
  ],
  ['CUSTOMER_UNKNOWN', '`deposits.customers` in the configuration of the operator lists the accounts.'],
  ['FUNDING_REFUSED', '`handsel operator accounts --config FILE` shows the accounts and their currencies.'],
  ['REFERENCE_USED', 'Take the reference of this payment; one that was booked needs no second booking.'],
  ['SHARDS_NONE', '`handsel run operator --shards NUMBER` cuts the accounts at the first start (docs/scale.md).'],
  ['URL_', 'Write a URL such as https://api.example/weather, or a merchant of this network with a path.'],
  ['METHOD_UNSUPPORTED', 'What it asks for is paid in another way than out of deposits: ask whoever runs that server.'],
  [
    'OFFER_UNFIT',
    'Nothing was paid. Ask the very URL under which the server sells: it names another one, or another request.',
  ],
  ['OPTIONS_UNFIT', 'docs/payment-method.md shows the options.'],
  ['ANSWER_TOO_LARGE', 'Answers may have up to 8 MiB: ask for less at a time.'],
  ['EXPORT_EMPTY', 'Nothing of that kind was booked on those days: name others, or --format csv for every record.'],
  ['PERIOD_INVALID', 'Write days as 2026-10-02, the first one in --from.'],
  [
    'GOODS_UNKNOWN',
    '`handsel merchant catalogue list FOLDER` shows what a shop offers; goods added since count after its next start.',
  ],
  ['INTERNAL', 'The log of the party that was asked says why; `handsel run … --log-level info` shows all of it.'],
  [
    'LIMIT_EXCEEDED',
    '`handsel deposit list` shows the limits; deposits that are closed give back what is left of them.',
  ],
  ['PRICE_ABOVE_MAX', 'Say a higher --max, if it is worth that.'],
  ['PRICE_ABOVE_LIMIT', 'Say a higher --max, if it is worth that; for one request of many --max-price says it.'],
  ['OFFER_REFUSED', 'Say --max-price to allow more for one request, with --max where the limit of the day does not.'],
  ['CREDIT_EXCEEDED', 'The account at the bank has no more to set aside: `handsel statement` shows what is open.'],
  ['DEPOSITS_MISSING', 'A network made anew has accounts for deposits: `handsel network init --home DIR`.'],
  ['DEPOSIT_NOT_OPEN', "`handsel statement --config FILE` lists the merchant's deposits, also those that are settled."],
  ['DEPOSIT_UNKNOWN', '`handsel deposit list --all` lists the deposits.'],
  ['NOTHING_TO_PAY', 'Name something that has to be paid for, such as atlas/paid/country-facts.'],
  [
    'ANSWER_LOST',
    'The deposit is closed, and the merchant is paid only what it can prove: `handsel deposit list --all`.',
  ],
  ['DELIVERY_MISSING', 'A network made anew has it: `handsel network init --home DIR`.'],
  ['DELIVERY_UNKNOWN', '`handsel delivery list` lists what is under way, `handsel agent status` what agents bought.'],
  [
    'CASE_UNKNOWN',
    'Of a case that has ended all of its name is needed: `handsel dispute show PAYMENT` tells the customer, `handsel dispute show` with --merchant or --arbiter lists what is open.',
  ],
  [
    'CASE_DECIDED',
    'A person decides once it was opened and the merchant was heard: `handsel dispute show --arbiter FOLDER` says how it stands.',
  ],
  ['RULING_MISSING', '`handsel dispute show` says who is waited for.'],
  [
    'SCANS_UNREADABLE',
    '`handsel gate export --out FILE` writes such a file; one that was cut off on its way has to be copied again.',
  ],
  [
    'PACKAGE_MALFORMED',
    'Is it a file that ends in .package, and was all of it downloaded? Only what its merchant packed can be checked.',
  ],
  ['COMPLAINT_UNFIT', 'What was delivered can be complained of once: `handsel dispute show PAYMENT`.'],
  ['RULING_UNFIT', 'Do not rely on it.'],
  [
    'ANCHORS_MISSING',
    'Name whom you trust: for goods --anchors FILE (`communication/anchors.pem` of any party), for tickets --primary-keys FILE (`trusted/primary-keys.json` of any device).',
  ],
  ['RATES_MISSING', 'Is the operator running? `handsel rates` asks again.'],
  ['STATION_GONE', 'Start it again: what it had promised is in its journal, and nothing is paid twice.'],
  ['PARTY_REPLACED', 'Start it again only if it shall take over in its turn.'],
  [
    'SHARDS_CHANGED',
    'The accounts stay cut as they were at the first start: --shards, or `deposits.shards` in the configuration.',
  ],
  ['HOST_STOPPED', 'The store could not be written; mend that (space, rights) and start again: nothing was lost.'],
  ['INSPECT_', '`handsel inspect --help` says what can be read.'],
];

/** Failures of the system that a person can do something about. */
const adviceBySystemCode: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path: there is nothing by that name.',
  EACCES: 'This user may not do that there; check the rights.',
  EPERM: 'This user may not do that there; check the rights.',
  EISDIR: 'Name a file, not a folder.',
  ENOTDIR: 'A file stands where a folder is expected: check the path.',
  EEXIST: 'A file stands where a folder is expected: check the path.',
  EROFS: 'Nothing can be written there: check the path.',
  EADDRINUSE:
    'Another process uses that port: end it, or take another. A new network takes free ones: `handsel network init --home DIR --base-port NUMBER`. ' +
    "For one party, change the port in `listen` (and in the `url`s) of its party.json, and in the others' party.json.",
  EADDRNOTAVAIL: 'This machine has no such address: check `listen.host` in the configuration.',
  ECONNREFUSED: 'Nobody listens there: is the other party running?',
  ENOTFOUND: 'That host name is not known: check it, and the network.',
  ENOSPC: 'The disk is full: make room and start again.',
};

export interface ReportForm {
  /** One JSON object on one line. */
  readonly json: boolean;
  /** With stack and causes. */
  readonly debug: boolean;
  /** Where the password of this command came from, to be named when something did not open. */
  readonly passwordFrom?: string | undefined;
}

export function reportError(error: unknown, form: ReportForm): ErrorReport {
  const { exitCode, ...finding } = findingOf(error);
  const from = finding.code === 'CRYPTOGRAPHIC_FAILURE' ? form.passwordFrom : undefined;
  const found = {
    ...finding,
    message: asCalled(finding.message),
    advice: asCalled(from === undefined ? finding.advice : `${finding.advice} The password came from ${from}.`),
  };
  const origin = form.debug && error instanceof Error ? originOf(error) : undefined;
  if (form.json) return { text: `${JSON.stringify({ error: { ...found, origin } })}\n`, exitCode };
  const lines = [`handsel: ${found.message} (${found.code})`, ...(found.advice === '' ? [] : [`  ${found.advice}`])];
  return { text: `${[...lines, ...(origin === undefined ? [] : [origin])].join('\n')}\n`, exitCode };
}

/** What commander did not understand, as one JSON object on one line. */
export function reportUsage(message: string): string {
  const error = {
    code: 'USAGE',
    message: message.replace(/^error: /, ''),
    advice: 'Add --help to see how it is used.',
  };
  return `${JSON.stringify({ error })}\n`;
}

function findingOf(error: unknown): Finding {
  if (error instanceof HandselError) {
    const advice = adviceFor(error);
    return {
      code: error.code,
      message: error.message,
      advice,
      exitCode: error.code === 'PARTY_REPLACED' ? REPLACED : REFUSED,
    };
  }
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const advice = code === undefined ? undefined : adviceBySystemCode[code];
  if (error instanceof Error && code !== undefined && advice !== undefined) {
    return { code, message: error.message, advice, exitCode: REFUSED };
  }
  const message = error instanceof Error ? error.message : String(error);
  const report = 'This is a mistake in Handsel: please report it with the command, and what HANDSEL_DEBUG=1 adds.';
  return { code: 'UNEXPECTED', message, advice: report, exitCode: MISTAKE };
}

function adviceFor({ code, cause }: HandselError): string {
  const systemCode = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  // A file that is not there has no place to mend.
  const ofPath = code.startsWith('CONFIGURATION_') ? adviceBySystemCode[systemCode] : undefined;
  return ofPath ?? adviceByCode.find(([prefix]) => code.startsWith(prefix))?.[1] ?? '';
}

function originOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${originOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
