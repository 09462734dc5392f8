/** `handsel agency …`: the trusted third party on the command line: its authorities, certificates, revocation lists and brand CRL identifiers. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { replaceFile } from '../party/files/replace-file.ts';
import { changeAgency, loadAgency, saveNewAgency } from '../party/trusted/agency-directory.ts';
import { formatName } from '../pki/name.ts';
import { toPem } from '../pki/pem.ts';
import type { RevocationReason } from '../pki/revocation-list.ts';
import { type Agency, authorityFor, type BrandOptions } from '../set/authority/agency.ts';
import { AgencyError } from '../set/authority/agency-error.ts';
import type { Authority } from '../set/authority/authority.ts';
import { createAgency, rollRoot } from '../set/authority/create-agency.ts';
import { makeBci, makeCrl, revoke } from '../set/authority/revocation.ts';
import { agencyIssueCommand } from './agency-issue.ts';
import { type PlaceOptions, placeOf, show, type Write, withPlace } from './agency-place.ts';
import { addTrustCommands } from './agency-trust.ts';

const EXAMPLES = `
Examples:
  An agency with one brand, its keys sealed under a password:
    $ handsel agency init --organization "Some Agency" --country NL --brand ACME --password-file secret.txt

  Certificates (handsel agency issue --help has more):
    $ handsel agency issue communication --name market --host localhost --out market

  Revoke one, and tell everybody: revocation lists and the brand's identifier of them:
    $ handsel agency list
    $ handsel agency revoke 5f0c41… --reason keyCompromise
    $ handsel agency bci ACME --out published

  Devices (docs/tickets.md), at the running agency of a network:
    $ handsel agency distrust 1-5 --config .handsel/agency
    $ handsel agency untrusted --config .handsel/agency
`;

/** `write` receives what goes to standard output. */
export function agencyCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const agency = new Command('agency')
    .description('the trusted third party: certification authorities, certificates, revocation')
    .addHelpText('after', EXAMPLES);
  agency.addCommand(initCommand(write));
  agency.addCommand(agencyIssueCommand(write));
  agency.addCommand(revokeCommand(write));
  agency.addCommand(crlCommand(write));
  agency.addCommand(bciCommand(write));
  agency.addCommand(rollRootCommand(write));
  agency.addCommand(listCommand(write));
  agency.addCommand(showCommand(write));
  addTrustCommands(agency, write);
  return agency;
}

function initCommand(write: Write): Command {
  type Options = PlaceOptions & { organization: string; country: string; brand: BrandOptions[] };
  return withPlace(new Command('init').description('make an agency: all its keys and authorities'))
    .option('--organization <name>', 'what the agency is called', 'Handsel Agency')
    .option('--country <code>', 'two letters of ISO 3166-1', 'NL')
    .option('--brand <id[:country[:region]]>', 'a card brand; repeat it; a region gets a CA of its own', brand, [])
    .action((options: Options) => {
      const place = placeOf(options);
      const { organization, country } = options;
      const brands = options.brand.length > 0 ? options.brand : [{ brandId: 'HANDSEL', country: '' }];
      const agency = createAgency({
        organization,
        country,
        brands: brands.map((given) => ({ ...given, country: given.country || country })),
        clock: place.clock,
        random: place.random,
      });
      saveNewAgency(place, agency);
      const authorities = [...agency.authorities.values()].map(authorityFacts);
      show(write, options.json, { directory: place.directory, authorities }, [
        `made an agency in ${place.directory}`,
        ...authorities.map(({ id, subject }) => `  ${id.padEnd(28)} ${subject}`),
        ...(place.password === undefined ? ['its keys are plain PEM files, readable by their owner only'] : []),
      ]);
    });
}

function brand(text: string, before: readonly BrandOptions[]): readonly BrandOptions[] {
  const [brandId = '', country = '', region] = text.split(':');
  if (brandId === '') throw new InvalidArgumentError('a brand such as ACME, ACME:NL or ACME:NL:Benelux.');
  return [...before, { brandId, country, ...(region !== undefined && { region }) }];
}

const reasons: readonly RevocationReason[] = [
  'unspecified',
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
];

function revokeCommand(write: Write): Command {
  const reason = new Option('--reason <why>', 'why').choices([...reasons]).default('unspecified');
  return withPlace(new Command('revoke').description('revoke a certificate; it takes effect with the next list'))
    .argument('<serial>', 'serial in hexadecimal, as `list` shows it', hexadecimal)
    .addOption(reason)
    .action((serial: bigint, options: PlaceOptions & { reason: RevocationReason }) => {
      const issuer = changeAgency(placeOf(options), (agency) => revoke(agency, { serial, reason: options.reason }));
      const next = issuer.brandId === undefined ? `crl ${issuer.id}` : `bci ${issuer.brandId}`;
      show(write, options.json, { revoked: serial.toString(16), issuer: issuer.id }, [
        `revoked ${serial.toString(16)}, issued by ${issuer.id}`,
        `now publish it: handsel agency ${next} --out <dir>`,
      ]);
    });
}

function hexadecimal(text: string): bigint {
  if (!/^[0-9a-fA-F]{1,40}$/.test(text)) throw new InvalidArgumentError('up to 40 hexadecimal digits.');
  return BigInt(`0x${text}`);
}

function crlCommand(write: Write): Command {
  return withPlace(new Command('crl').description('make new revocation lists'))
    .argument('[authority...]', 'ids as `list` shows them; by default those of the communication hierarchy')
    .requiredOption('--out <dir>', 'folder for the lists, made when it is not there')
    .action((ids: string[], options: PlaceOptions & { out: string }) => {
      const wanted = ids.length > 0 ? ids : ['communication-root', 'communication-ca'];
      const made = changeAgency(placeOf(options), (agency) => wanted.map((id) => ({ id, list: makeCrl(agency, id) })));
      const lists = made.map(({ id, list }) => {
        const file = join(options.out, `${id}.crl.pem`);
        replaceFile(file, toPem('X509 CRL', list.der), 0o644);
        return { authority: id, number: Number(list.number), revoked: list.revoked.size, file };
      });
      show(
        write,
        options.json,
        { lists },
        lists.map(({ number, revoked, file }) => `wrote ${file}: number ${number}, ${revoked} revoked`),
      );
    });
}

function bciCommand(write: Write): Command {
  return withPlace(
    new Command('bci').description('make the brand CRL identifier and all the lists it names, for parties to fetch'),
  )
    .argument('<brand>', 'brand id')
    .requiredOption('--out <dir>', 'folder for the files, made when it is not there')
    .action((brandId: string, options: PlaceOptions & { out: string }) => {
      const { identifier, lists, certificates, root } = changeAgency(placeOf(options), (agency) => ({
        ...makeBci(agency, brandId),
        root: authorityFor(agency, 'root').certificate,
      }));
      const content = {
        'brand-crl-identifier.der': identifier.der,
        'revocation-lists.pem': lists.map(({ der }) => toPem('X509 CRL', der)).join(''),
        'root.pem': toPem('CERTIFICATE', root.der),
        'authorities.pem': certificates.map(({ der }) => toPem('CERTIFICATE', der)).join(''),
      };
      const files = Object.entries(content).map(([name, bytes]) => {
        const file = join(options.out, name);
        replaceFile(file, bytes, 0o644);
        return file;
      });
      const facts = { brand: brandId, sequence: Number(identifier.sequenceNumber), lists: lists.length, files };
      show(write, options.json, facts, [
        `brand CRL identifier ${facts.sequence} of ${brandId} names ${facts.lists} lists, until ${identifier.notAfter.toISOString()}`,
        ...files.map((file) => `wrote ${file}`),
      ]);
    });
}

function rollRootCommand(write: Write): Command {
  return withPlace(
    new Command('roll-root').description('put the announced root key in force, with new CAs for every brand under it'),
  ).action((options: PlaceOptions) => {
    const generation = changeAgency(placeOf(options), (agency) => {
      rollRoot(agency);
      return agency.generation;
    });
    show(write, options.json, { root: `root-${generation}` }, [
      `root-${generation} is in force; what was issued before stays valid`,
      'publish it with the next `handsel agency bci`',
    ]);
  });
}

function listCommand(write: Write): Command {
  return withPlace(new Command('list').description('all authorities, and what they have issued')).action(
    (options: PlaceOptions) => {
      const agency = loadAgency(placeOf(options));
      const authorities = [...agency.authorities.values()].map(authorityFacts);
      const issued = issuedFacts(agency);
      show(write, options.json, { organization: agency.organization, authorities, issued }, [
        ...authorities.map(({ id, serial, subject }) => `${id.padEnd(28)} ${serial}  ${subject}`),
        ...issued.map(
          ({ kind, serial, subject, revoked }) =>
            `${kind.padEnd(28)} ${serial}  ${subject}${revoked ? '  REVOKED' : ''}`,
        ),
      ]);
    },
  );
}

function showCommand(write: Write): Command {
  return withPlace(new Command('show').description('one authority with its certificate, or what is known of a serial'))
    .argument('<authority or serial>', 'as `list` shows them')
    .action((wanted: string, options: PlaceOptions) => {
      const agency = loadAgency(placeOf(options));
      const authority = agency.authorities.get(wanted);
      if (authority !== undefined) {
        const pem = toPem('CERTIFICATE', authority.certificate.der);
        const facts = { ...authorityFacts(authority), issuer: authority.issuerId ?? authority.id, certificate: pem };
        show(write, options.json, facts, [...asLines(facts), '', pem.trimEnd()]);
        return;
      }
      const facts = issuedFacts(agency).find(({ serial }) => serial === wanted.toLowerCase());
      if (facts === undefined) {
        throw new AgencyError(
          'AGENCY_SERIAL_UNKNOWN',
          `no authority and no certificate is known as ${wanted.slice(0, 80)}`,
        );
      }
      show(write, options.json, facts, asLines(facts));
    });
}

function asLines(facts: object): readonly string[] {
  return Object.entries(facts)
    .filter(([name]) => name !== 'certificate')
    .map(([name, value]) => `${name.padEnd(10)} ${value}`);
}

function authorityFacts(authority: Authority) {
  const { id, role, brandId, certificate, crlNumber, revoked } = authority;
  return {
    id,
    role,
    brand: brandId,
    subject: formatName(certificate.subject),
    serial: certificate.serial.toString(16),
    notAfter: certificate.notAfter.toISOString(),
    crlNumber: Number(crlNumber),
    revoked: revoked.length,
  };
}

function issuedFacts(agency: Agency) {
  return [...agency.issued.values()].map(({ kind, authorityId, serial, subject, notAfterMs }) => ({
    kind,
    authority: authorityId,
    serial: serial.toString(16),
    subject,
    notAfter: new Date(notAfterMs).toISOString(),
    revoked: agency.authorities.get(authorityId)?.revoked.some((entry) => entry.serial === serial) ?? false,
  }));
}
