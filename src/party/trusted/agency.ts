/**
 * The agency as a process: publishes its certificates, revocation lists and brand CRL identifiers (notes on SET, "CRL, BCI"), and
 * makes new ones long before those published age. Issuing is done with `handsel agency`, beside it, on the same folder.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandom } from '../../crypto/random.ts';
import { systemClock } from '../../journal/clock.ts';
import { STATE_FILE } from '../../set/authority/agency-files.ts';
import { makeBci } from '../../set/authority/revocation.ts';
import { readBrandCrlIdentifier } from '../../set/message/brand-crl-identifier.ts';
import type { Handler } from '../../transport/route.ts';
import { serve } from '../../transport/server.ts';
import { TransportError } from '../../transport/transport-error.ts';
import { ConfigurationError, readConfiguration } from '../configuration/configuration.ts';
import { trustFiles } from '../configuration/issue-for-party.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { below } from '../files/new-files.ts';
import { replaceFile } from '../files/replace-file.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { closeInOrder, type RunningParty, type Surroundings } from '../running/running-party.ts';
import { type AgencyDirectory, changeAgency, loadAgency } from './agency-directory.ts';
import { standingControl } from './standing-control.ts';
import { openTrustedServer } from './trusted-server.ts';

const HOUR_MS = 3_600_000;
/** Lists are good for weeks: a party that cannot reach the agency for days goes on. */
const RENEW_AFTER_MS = 24 * HOUR_MS;
const LOOK_EVERY_MS = 60_000;
const PUBLIC_MODE = 0o644;

export interface RunningAgency extends RunningParty {
  /** Publishes anew where something was revoked since, or what is published grows old; done by itself every minute. */
  renew(): void;
}

/** @throws ConfigurationError, AgencyError; CryptographicError for a wrong password */
export async function startAgency(file: string, surroundings: Surroundings): Promise<RunningAgency> {
  const { configuration, path } = readConfiguration('agency', file);
  const { name, listen, password } = configuration;
  const log = surroundings.log.child({ party: name });
  const clock = systemClock();
  const place: AgencyDirectory = {
    directory: path(configuration.directory),
    clock,
    random: systemRandom,
    ...(password !== undefined && { password: readPassword(path(password)) }),
  };
  const published = path(configuration.published);
  const brands = new Set(loadAgency(place).brands.map(({ brandId }) => brandId));

  const renew = () => {
    if ([...brands].every((brandId) => isFresh(join(published, brandId), place, clock.nowMs()))) return;
    publish([...brands], place, published);
    log.info({ brands: [...brands] }, 'new revocation lists are published');
  };
  renew();
  let cancel = () => {};
  const lookAgain = () => {
    cancel = clock.after(LOOK_EVERY_MS, () => {
      try {
        renew();
      } catch (err) {
        log.error(
          { err },
          'revocation lists could not be renewed: parties refuse to rely on them once they are too old',
        );
      }
      lookAgain();
    });
  };
  lookAgain();

  const identity = readCommunication(configuration.communication, path);
  const fileOf =
    (fileName: string, contentType: string): Handler =>
    async ({ params }) => {
      const brandId = params.brand ?? '';
      if (!brands.has(brandId)) throw new TransportError('ROUTE_UNKNOWN', 'there is no such brand');
      return { contentType, body: new Uint8Array(readFileSync(join(published, brandId, fileName))) };
    };
  const { trusted } = configuration;
  const client = trusted && partyClient({ name, identity, surroundings, peers: configuration.peers });
  const primary =
    trusted &&
    (await openTrustedServer({
      ...{ trusted, path, client: client!, surroundings: { ...surroundings, log } },
      role: {
        ...{ type: 'primary', primaryId: trusted.primaryId },
        scalar: readKeyFile(path(trusted.privateKey)),
      },
    }));
  const server = await serve({
    routes: {
      ...primary?.routes,
      ...(primary && standingControl(name, primary.host)),
      'GET /root/:brand': fileOf('trust/root.pem', 'application/x-pem-file'),
      'GET /certificates/:brand': fileOf('trust/authorities.pem', 'application/x-pem-file'),
      'GET /crl/:brand': fileOf('trust/lists.pem', 'application/x-pem-file'),
      'GET /bci/:brand': fileOf('trust/brand.bci', 'application/octet-stream'),
    },
    listen,
    // All of it is public, and signed by itself: whoever has no certificate yet may ask, too.
    tls: { ...identity.serverTls, requireClient: false },
    limits: SERVER_LIMITS,
    log,
  });
  return {
    name,
    url: server.url,
    failed: primary?.host.failed ?? new Promise(() => {}),
    renew,
    close: () => closeInOrder([cancel, () => server.close(), () => primary?.host.close(), () => client?.close()]),
  };
}

/** Whether it is young, and nothing has happened to the agency since. */
function isFresh(directory: string, { directory: agencyDirectory }: AgencyDirectory, nowMs: number): boolean {
  const file = join(directory, 'trust/brand.bci');
  if (!existsSync(file)) return false;
  const { notBefore } = readBrandCrlIdentifier(new Uint8Array(readFileSync(file)));
  const changedMs = statSync(join(agencyDirectory, STATE_FILE)).mtimeMs;
  return nowMs - notBefore.getTime() < RENEW_AFTER_MS && changedMs <= statSync(file).mtimeMs;
}

/** The agency's own record is written first; identifiers go last, because they name lists that must be there. */
function publish(brands: readonly string[], place: AgencyDirectory, directory: string): void {
  const files = changeAgency(place, (agency) =>
    brands.flatMap((brandId) => [...below(brandId, trustFiles(agency, makeBci(agency, brandId)))]),
  );
  const ordered = files.sort(([a], [b]) => Number(a.endsWith('.bci')) - Number(b.endsWith('.bci')));
  for (const [path, { content }] of ordered) replaceFile(join(directory, path), content, PUBLIC_MODE);
}

/** Its first line, as `handsel agency --password-file` takes it. */
function readPassword(file: string): string {
  const password = readFileSync(file, 'utf8').split(/\r?\n/)[0] ?? '';
  if (password === '') throw new ConfigurationError(`${file} holds no password`);
  return password;
}
