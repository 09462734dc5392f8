/** `handsel credentials …`: what says who somebody is: acquired from an authority, shown, renewed; and what an authority's clerks do. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { IssuedCredential } from '../party/device/authority-register.ts';
import type { ExportedCredential, HeldCopy, ImportedCredential } from '../party/device/credential-desk.ts';
import type { TicketView } from '../party/device/ticket-view.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { amount } from './agent-options.ts';
import { type DeviceOptions, isAuthority, isPersons, ownDevice } from './device-client.ts';
import { ticketDetail } from './ticket-words.ts';

const EXAMPLES = `
Examples:
  At the counter of an authority, a clerk:
    $ handsel credentials record examples/tickets/person.json
    $ handsel credentials visit ada "driver's licence"        prints a code, to be handed over
  Its holder, at once or later that day:
    $ handsel credentials acquire "driver's licence" --from bureau --code CODE
    $ handsel credentials acquire "proof of age" --from bureau --code CODE --max 5EUR    paid by card
    $ handsel credentials show
    $ handsel credentials renew 3f2a --at bureau
  $ handsel credentials export 3f2a --at bureau --fields name,"over 18" --audience https://shop.example --nonce 7QJ
  The clerk again:
    $ handsel credentials issued
    $ handsel credentials suspend 3f2a0c…

A credential is named by the beginning of its name; clerks write all of it.`;

type Write = (text: string) => void;

/** `write` receives what goes to standard output. */
export function credentialsCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const command = new Command('credentials').addHelpText('after', EXAMPLES);
  const print = (options: DeviceOptions, facts: unknown, lines: readonly string[]) =>
    write(options.json ? `${JSON.stringify(facts)}\n` : `${lines.join('\n')}\n`);
  const add = (name: string, description: string, whose: string) =>
    command
      .command(name)
      .description(description)
      .option('--device <name>', `${whose} (default: $HANDSEL_DEVICE, or the first of the network)`);
  const owner = (name: string, description: string) => add(name, description, 'whose');
  const clerk = (name: string, description: string) => add(name, `${description} (by a clerk)`, 'which authority');

  owner('acquire', 'acquire a credential from an authority')
    .argument('<what>', 'as the authority calls it, such as "driver\'s licence"')
    .requiredOption('--from <device>', "the authority's device: its name in this network, or its URL")
    .option('--code <code>', 'what the clerk handed over')
    .option('--show <ticket[:fields]>', 'a credential to show for it, and which fields of it; repeat it', evidenceOf)
    .option('--max <amount>', 'the most it may cost, paid by card, e.g. 5EUR (default: nothing)', amount)
    .option('--card <credential>', "the beginning of a card credential's name (default: the first)")
    .action(async (wanted: string, options: AcquireOptions) => {
      const { from, code, show: evidence = [] } = options;
      const body = { wanted, from, evidence, ...(code !== undefined && { code }), ...payOf(options) };
      const credential = await ownDevice(options, isPersons).post<TicketView>('/acquire', body);
      print(options, credential, [`acquired from ${from}:`, ...ticketDetail(credential)]);
    });
  owner('show', 'the credentials on a device, or all of one')
    .argument('[credential]', 'the beginning of its name')
    .action(async (credential: string | undefined, options: DeviceOptions) => {
      const device = ownDevice(options, isPersons);
      if (credential !== undefined) {
        const one = await device.get<TicketView>(`/tickets/${encodeURIComponent(credential)}`);
        print(options, one, ticketDetail(one));
        return;
      }
      const all = (await device.get<readonly TicketView[]>('/tickets')).filter(({ kind }) => kind === 'credential');
      const lines = all.map(
        ({ id, title, issuer, standing, fields }) =>
          `${id.slice(0, 8)}  ${standing.padEnd(9)}  ${title}, of ${issuer}, until ${fields.expiresDay}`,
      );
      print(options, all, lines.length > 0 ? lines : ['no credentials']);
    });
  owner('renew', 'have the authority that issued a credential issue it anew, for longer')
    .argument('<credential>', 'the beginning of its name')
    .requiredOption('--at <device>', "the authority's device: its name in this network, or its URL")
    .option('--max <amount>', 'the most it may cost, paid by card, e.g. 5EUR (default: nothing)', amount)
    .option('--card <credential>', "the beginning of a card credential's name (default: the first)")
    .action(async (ticket: string, options: DeviceOptions & MayPay & { readonly at: string }) => {
      const { at } = options;
      const renewed = await ownDevice(options, isPersons).post<TicketView>('/renew', { ticket, at, ...payOf(options) });
      print(options, renewed, [`renewed by ${at}:`, ...ticketDetail(renewed)]);
    });

  owner('export', 'write a credential as an SD-JWT VC for one verifier, with the fields that are named')
    .argument('<credential>', 'the beginning of its name')
    .option(
      '--at <device>',
      'the authority that issued it: its name in this network, or its URL (default: it is one of `handsel credentials copies`)',
    )
    .requiredOption('--audience <url>', 'what the verifier is called')
    .requiredOption('--nonce <text>', 'what the verifier gave')
    .option('--fields <names>', 'which fields are shown, with commas between them', namesIn, [])
    .option('--out <file>', 'where it goes (default: standard output)')
    .action(async (ticket: string, options: ExportOptions) => {
      const { at, audience, nonce, fields, out } = options;
      const body = { ticket, ...(at !== undefined && { at }), audience, nonce, fields };
      const exported = await ownDevice(options, isPersons).post<ExportedCredential>('/export', body);
      if (out !== undefined) replaceFile(out, `${exported.sdJwt}\n`);
      print(options, exported, [out === undefined ? exported.sdJwt : `${out}  ${exported.vct}, for ${audience}`]);
    });
  owner('copies', 'what is held as SD-JWT VC: copies of credentials, and those of other issuers').action(
    async (options: DeviceOptions) => {
      const held = await ownDevice(options, isPersons).get<readonly HeldCopy[]>('/export');
      const lines = held.map(
        ({ id, vct, issuer, expires, fields }) =>
          `${id}  ${vct}, of ${issuer}${expires === undefined ? '' : `, until ${expires}`}: ${fields.join(', ')}`,
      );
      print(options, held, lines.length > 0 ? lines : ['none']);
    },
  );
  owner('key', 'make a key to which another issuer can bind a credential').action(async (options: DeviceOptions) => {
    const key = await ownDevice(options, isPersons).post<{ readonly id: string; readonly jwk: string }>('/export/key');
    print(options, key, [key.id, key.jwk]);
  });
  owner('import', 'take in an SD-JWT VC of another issuer that is bound to a key of this device')
    .argument('<file>', 'the SD-JWT VC')
    .requiredOption('--id <key>', 'the key, as `handsel credentials key` named it')
    .requiredOption('--issuer <url>', 'the issuer')
    .requiredOption('--keys <file>', "the issuer's JWK set, or its metadata, which you believe")
    .action(async (file: string, options: ImportOptions) => {
      const { id, issuer } = options;
      const sdJwt = readFileSync(file, 'utf8').trim();
      const keys = keysIn(options.keys);
      const held = await ownDevice(options, isPersons).post<ImportedCredential>('/import', { id, issuer, sdJwt, keys });
      print(options, held, [`${held.id}  ${held.vct}, of ${held.issuer}`]);
    });

  clerk('record', 'enter somebody into the data base: from a file with its number and its fields')
    .argument('<file>', 'JSON; examples/tickets/person.json is one')
    .action(async (file: string, options: DeviceOptions) => {
      const recorded = await ownDevice(options, isAuthority).post<{ readonly subject: string }>(
        '/clerk/record',
        readJson(file),
      );
      print(options, recorded, [`${recorded.subject} is recorded`]);
    });
  clerk('visit', 'somebody has shown in person who it is: prints the code that is handed over, good for a day')
    .argument('<subject>', 'its number in the data base')
    .argument('<what>', 'the credential that it may acquire')
    .action(async (subject: string, wanted: string, options: DeviceOptions) => {
      const given = await ownDevice(options, isAuthority).post<{ readonly code: string }>('/clerk/visit', {
        ...{ subject, wanted },
      });
      print(options, given, [given.code]);
    });
  clerk('issued', 'what the authority has issued').action(async (options: DeviceOptions) => {
    const issued = await ownDevice(options, isAuthority).get<readonly IssuedCredential[]>('/clerk/issued');
    const lines = issued.map(
      ({ ticket, subject, wanted, expires, standing }) =>
        `${ticket}  ${standing.padEnd(9)}  ${wanted}, of ${subject}, until ${expires}`,
    );
    print(options, issued, lines.length > 0 ? lines : ['nothing was issued yet']);
  });
  for (const [name, standing, words] of standings) {
    clerk(name, words)
      .argument('<credential>', 'its whole name, from `handsel credentials issued`')
      .action(async (ticket: string, options: DeviceOptions) => {
        const set = await ownDevice(options, isAuthority).post<object>('/clerk/standing', { ticket, standing });
        print(options, set, [`${ticket}  is ${standing}`]);
      });
  }
  return command;
}

const standings = [
  ['suspend', 'suspended', 'a credential does not count for now'],
  ['revoke', 'revoked', 'a credential does not count any more'],
  ['reinstate', 'good', 'a suspended credential counts again'],
] as const;

interface MayPay {
  readonly max?: string;
  readonly card?: string;
}

const payOf = ({ max, card }: MayPay) =>
  max === undefined ? {} : { pay: { max, ...(card !== undefined && { card }) } };

interface AcquireOptions extends DeviceOptions, MayPay {
  readonly from: string;
  readonly code?: string;
  readonly show?: readonly Evidence[];
}

interface ExportOptions extends DeviceOptions {
  readonly at?: string;
  readonly audience: string;
  readonly nonce: string;
  readonly fields: readonly string[];
  readonly out?: string;
}

interface ImportOptions extends DeviceOptions {
  readonly id: string;
  readonly issuer: string;
  readonly keys: string;
}

const namesIn = (text: string): readonly string[] => text.split(',').map((one) => one.trim());

interface Evidence {
  readonly ticket: string;
  readonly fields?: readonly string[];
}

function evidenceOf(text: string, before: readonly Evidence[] = []): readonly Evidence[] {
  const [ticket = '', fields] = text.split(/:(.*)/s);
  return [...before, { ticket, ...(fields && { fields: namesIn(fields) }) }];
}

/** What an issuer serves under `/.well-known/jwt-vc-issuer` has the set inside. */
function keysIn(file: string): string {
  const { jwks, ...set } = readJson(file) as { readonly jwks?: unknown };
  return JSON.stringify(jwks ?? set);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new HandselError('RECORD_MALFORMED', `${file} is not JSON`, { cause });
  }
}
