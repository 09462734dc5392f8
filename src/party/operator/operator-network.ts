/**
 * An operator's place in the interchange network: its access server, which carries card messages between its own hosts directly
 * and to other operators over TCP and TLS, and lets nobody in who is not the operator he speaks for.
 */
import { HandselError } from '../../handsel-error.ts';
import { readCertificate } from '../../pki/certificate.ts';
import { nameAttribute } from '../../pki/name.ts';
import { createAccessServer } from '../../set/interchange/access-server.ts';
import { InterchangeError } from '../../set/interchange/interchange-error.ts';
import { createIso8583Link, type Iso8583Exchange } from '../../set/interchange/tcp-link.ts';
import { type Iso8583Handler, type Iso8583Server, serveIso8583 } from '../../set/interchange/tcp-server.ts';
import { readCardRequest } from '../../set/message/card-message-codec.ts';
import { decodeIso8583 } from '../../set/message/iso8583-message.ts';
import type { Log } from '../../transport/log.ts';
import type { OperatorConfiguration } from '../configuration/configuration.ts';
import type { CommunicationIdentity } from '../running/communication.ts';
import { closeInOrder } from '../running/running-party.ts';

class NotAdmitted extends HandselError {}

export interface OperatorNetwork {
  /** For the operator's own acquirer: reaches every issuer. */
  readonly access: Iso8583Exchange;
  /** Port for other operators. */
  readonly port: number;
  close(): Promise<void>;
}

/** A host of the same process. Silence is what it is over TCP: no answer, so the sender repeats. */
export function exchangeWith(handle: Iso8583Handler): Iso8583Exchange {
  return {
    async send(bytes) {
      const answer = await handle({ bytes, message: decodeIso8583(bytes) });
      if (answer === undefined) throw new InterchangeError('LINK_TIMEOUT', 'the host does not answer now');
      return answer;
    },
  };
}

export async function openOperatorNetwork(options: {
  readonly configuration: Pick<OperatorConfiguration, 'interchange' | 'issuer'>;
  readonly identity: CommunicationIdentity;
  readonly issuer: Iso8583Handler;
  readonly log: Log;
}): Promise<OperatorNetwork> {
  const { configuration, identity, issuer, log } = options;
  const { listen, operators } = configuration.interchange;
  const own = { prefix: configuration.issuer.bin, issuerId: configuration.issuer.id, link: exchangeWith(issuer) };
  const others = operators.map(({ bin, issuerId, host, port }) => {
    const link = createIso8583Link({ host, port, tls: identity.clientTls });
    return { prefix: bin, issuerId, link };
  });
  const server: Iso8583Server = await serveIso8583({
    listen,
    tls: identity.serverTls,
    // From outside there is a way to our issuer only: we carry nothing between other operators.
    handle: onlyOperators(operators, createAccessServer({ routes: [own], log })),
    log,
  });
  return {
    access: exchangeWith(createAccessServer({ routes: [own, ...others], log })),
    port: server.port,
    close: () =>
      closeInOrder([
        () => server.close(),
        ...others.map(
          ({ link }) =>
            () =>
              link.close(),
        ),
      ]),
  };
}

/** The certificate says which operator it is, and an operator asks in its own name only. */
function onlyOperators(
  operators: OperatorConfiguration['interchange']['operators'],
  handle: Iso8583Handler,
): Iso8583Handler {
  return async (received) => {
    const { peer, message } = received;
    const name = peer && nameAttribute(readCertificate(peer.certificateDer).subject, 'CN');
    const operator = operators.find((known) => known.name === name);
    const request = readCardRequest(message);
    if (operator === undefined || (request.type !== 'test' && request.acquirerId !== operator.acquirerId)) {
      throw new NotAdmitted('PEER_NOT_ADMITTED', `${name ?? 'nobody'} may not ask here in that name`);
    }
    return handle(received);
  };
}
