import { expect, test } from 'vitest';
import { systemRandom } from '../../../src/crypto/random.ts';
import { generateP256 } from '../../../src/crypto/signature.ts';
import { createCommunicationTrust } from '../../../src/party/running/communication-trust.ts';
import { issueAgentCertificate } from '../../../src/pki/agent-certificate.ts';
import { createCertificateRequest, readCertificateRequest } from '../../../src/pki/certificate-request.ts';
import { extendName } from '../../../src/pki/name.ts';
import { createAgentWorld, type Owner } from '../../agent/market-world.ts';

const world = createAgentWorld();
const nowMs = world.clock.nowMs();

function agentOf(owner: Owner) {
  const { publicKey, privateKey } = generateP256();
  const subject = extendName(owner.authority.certificate.subject, { CN: 'agent' });
  return issueAgentCertificate({
    authority: owner.authority.certificate,
    authorityKey: owner.authority.keys.privateKey,
    request: readCertificateRequest(createCertificateRequest({ subject, publicKey, privateKey })),
    agentName: 'agent',
    notBeforeMs: nowMs - 1000,
    notAfterMs: nowMs + 60_000,
    random: systemRandom,
  });
}

test('an agent met before under its own authority is not believed under the authority of somebody else', () => {
  const [thief, victim] = [world.owner('thief'), world.owner('victim')];
  const trust = createCommunicationTrust(world.anchors);
  const agent = agentOf(thief);
  trust.validate([agent, thief.authority.certificate], 'agent', nowMs);
  expect(() => trust.validate([agent, victim.authority.certificate], 'agent', nowMs)).toThrow();
  trust.validate([agent, thief.authority.certificate], 'agent', nowMs);
});

test('an agent’s certificate does not pass for its owner’s', () => {
  const owner = world.owner('ada');
  const trust = createCommunicationTrust(world.anchors);
  const agent = agentOf(owner);
  expect(() => trust.validate([agent, owner.authority.certificate], 'signature', nowMs)).toThrow();
  trust.validate([owner.certificate], 'signature', nowMs);
});
