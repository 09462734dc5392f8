/** The arbiter as a party: takes complaints about deliveries, opens packages to see, asks a person where only eyes can tell, and rules. */
import { rm } from 'node:fs/promises';
import { systemRandom } from '../../crypto/random.ts';
import { encodeShape, type Signer } from '../../crypto/signed-message.ts';
import { arbiterEndpoints, bundleOf, createArbiter } from '../../delivery/arbiter/arbiter-machine.ts';
import { type ArbiterPolicy, EXAMINATION } from '../../delivery/arbiter/arbiter-policy.ts';
import { createExaminer, examinedContent, examinedPackage } from '../../delivery/arbiter/examination.ts';
import { DeliveryError } from '../../delivery/message/delivery-error.ts';
import { routesOf } from '../../delivery/message/endpoint.ts';
import { bundleType } from '../../delivery/message/ruling.ts';
import { systemClock } from '../../journal/clock.ts';
import { createSealedJournal } from '../../journal/sealed-journal.ts';
import { createHttpCourier } from '../../transport/http-courier.ts';
import { serve } from '../../transport/server.ts';
import { type ArbiterConfiguration, readConfiguration } from '../configuration/configuration.ts';
import { readKeyFile } from '../configuration/key-file.ts';
import { makeFolder } from '../files/make-folder.ts';
import { createSettlementProof } from '../message/payment-evidence.ts';
import { inJson, readRequest } from '../owner/control-request.ts';
import { ownCommand } from '../owner/own-commands.ts';
import { partyClient, readCommunication, SERVER_LIMITS } from '../running/communication.ts';
import { createCommunicationTrust } from '../running/communication-trust.ts';
import { identifyBy, partyOf } from '../running/delivery-identity.ts';
import { openPackageWeb } from '../running/package-web.ts';
import { byScheme } from '../running/routes.ts';
import { closeInOrder, type RunningParty, type Surroundings, startInSteps } from '../running/running-party.ts';
import { openJournal, openMachine } from '../running/stores.ts';
import { caseViews, decisionSchema } from './arbiter-cases.ts';
import { standingOf } from './case-standing.ts';

/** A complaint has a segment in it. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export function startArbiter(file: string, surroundings: Surroundings): Promise<RunningParty> {
  return startInSteps(async (opened) => {
    const { configuration, path } = readConfiguration('arbiter', file);
    const { name, url, listen, store } = configuration;
    const log = surroundings.log.child({ party: name });
    const { nowMs } = systemClock();
    const identity = readCommunication(configuration.communication, path);
    const client = opened(partyClient({ name, identity, surroundings, peers: configuration.peers }));
    const web = opened(openPackageWeb({ name, anchors: identity.anchors }));
    const signer: Signer = {
      privateKey: identity.privateKey,
      certificateChain: identity.chain.map(({ der }) => der),
    };
    const policy = policyOf(configuration, {
      ...{ signer, nowMs, party: partyOf(identity.chain[0]!) },
      trust: createCommunicationTrust(identity.anchors),
    });
    const folder = path(configuration.cases);
    makeFolder(folder);
    const stopping = new AbortController();
    const examiner = createExaminer({ fetch: web.fetch, folder, signal: stopping.signal });
    const host = opened(
      await openMachine({
        machine: createArbiter(policy),
        journal: createSealedJournal({
          journal: await openJournal(store, path, 'arbiter'),
          key: readKeyFile(path(configuration.storageKey)),
          random: systemRandom,
        }),
        courier: byScheme({ 'https:': createHttpCourier({ client }), 'local:': onlyFor(EXAMINATION, examiner) }),
        surroundings: { ...surroundings, log },
      }),
    );
    const views = caseViews(host, (of) => examinedContent(folder, of));
    const server = await serve({
      ...{ listen, tls: identity.serverTls, limits: { ...SERVER_LIMITS, maxBytes: MAX_BODY_BYTES }, log },
      routes: {
        ...routesOf(arbiterEndpoints(host, policy)),
        'GET /delivery/rulings/:case': async ({ params }) => {
          const of = params.case ?? '';
          const bundle = /^[0-9a-f]{64}$/.test(of) ? await bundleOf(host, of) : undefined;
          if (bundle === undefined) throw new DeliveryError('CASE_UNKNOWN', 'there is no ruling on such a case');
          return { contentType: 'application/cbor', body: encodeShape(bundleType, bundle) };
        },
        // Whoever knows the digest of a signed complaint is a party to it; nothing of what it says is told.
        'GET /delivery/cases/:case': async ({ params }) => inJson(await standingOf(host, params.case ?? '', policy)),
        'GET /arbiter/cases': ownCommand(name, views.list),
        'GET /arbiter/cases/:case': ownCommand(name, ({ params }) => views.one(params.case ?? '')),
        'POST /arbiter/cases/:case/decision': ownCommand(name, async (request) => {
          const { case: of } = await views.one(request.params.case ?? '');
          const { outcome, person, text } = readRequest(request, decisionSchema);
          await host.submit({ type: 'decide', case: of, person, outcome, text });
          // What was opened for eyes to see is not kept beyond that.
          for (const seen of [examinedContent(folder, of), examinedPackage(folder, of)])
            await rm(seen, { force: true });
          return views.one(of);
        }),
      },
    });
    return {
      name,
      url,
      failed: host.failed,
      async close() {
        stopping.abort();
        await closeInOrder([() => server.close(), () => host.close(), () => web.close(), () => client.close()]);
      },
    };
  });
}

function onlyFor(route: string, courier: ReturnType<typeof createExaminer>): ReturnType<typeof createExaminer> {
  return {
    deliver: (message, attempt) =>
      message.to === route
        ? courier.deliver(message, attempt)
        : Promise.resolve({ type: 'refused', code: 'ROUTE_UNKNOWN', detail: message.to }),
  };
}

function policyOf(
  { name, trustees, trusteeWaitSeconds, hearingSeconds }: ArbiterConfiguration,
  {
    trust,
    ...own
  }: Pick<ArbiterPolicy, 'signer' | 'party' | 'nowMs'> & {
    readonly trust: ReturnType<typeof createCommunicationTrust>;
  },
): ArbiterPolicy {
  const merchants = trustees.flatMap((trustee) => trustee.merchants);
  const identifyTrustee = identifyBy(trust, new Set(trustees.map((trustee) => trustee.name)));
  const operators = new Map(
    trustees.flatMap((trustee) => trustee.merchants.map((merchant) => [merchant.name, trustee.name] as const)),
  );
  return {
    ...{ name, ...own },
    identify: {
      customer: identifyBy(trust),
      merchant: identifyBy(trust, new Set(merchants.map((merchant) => merchant.name))),
      trustee: identifyTrustee,
    },
    proof: createSettlementProof({ identify: identifyTrustee, operatorOf: (merchant) => operators.get(merchant) }),
    trustees: new Map(trustees.map((trustee) => [trustee.name, { url: trustee.url }])),
    merchants: new Map(merchants.map((merchant) => [merchant.name, { url: merchant.url }])),
    trusteeWaitMs: trusteeWaitSeconds * 1000,
    hearingMs: hearingSeconds * 1000,
  };
}
