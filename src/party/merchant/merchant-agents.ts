/**
 * A merchant's agents on the market, one a currency: each place is reserved once and remembered in a file, and the parameters
 * are deployed anew at every start. A market that is away is asked again until it answers.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { deployType, reservedType, reserveType } from '../../agent/message/hosting.ts';
import { type MerchantParameters, merchantParametersType } from '../../agent/message/merchant-parameters.ts';
import type { Random } from '../../crypto/random.ts';
import { decodeShape, type Signer, signMessage } from '../../crypto/signed-message.ts';
import { HandselError } from '../../handsel-error.ts';
import { issueAgentCertificate } from '../../pki/agent-certificate.ts';
import { readCertificateRequest } from '../../pki/certificate-request.ts';
import { extendName } from '../../pki/name.ts';
import type { Client } from '../../transport/client.ts';
import type { Log } from '../../transport/log.ts';
import { readProblem } from '../../transport/problem.ts';
import { readJsonFile } from '../configuration/configuration.ts';
import { replaceFile } from '../files/replace-file.ts';
import type { AgentAuthority } from '../message/agent-authority.ts';

const placesSchema = z.record(z.string(), z.strictObject({ agent: z.string(), chain: z.array(z.string()) }));
type Places = z.infer<typeof placesSchema>;

const RESERVE_MS = 60_000;
const CERTIFICATE_MS = 365 * 24 * 3_600_000;
const CLOCK_SLACK_MS = 60_000;
const RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export interface MerchantAgentsOptions {
  readonly file: string;
  readonly market: string;
  readonly parameters: readonly MerchantParameters[];
  readonly signer: Signer;
  readonly authority: AgentAuthority;
  readonly client: Client;
  readonly random: Random;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** Resolves when every agent sells, or when told to stop. */
export async function deployAgents(options: MerchantAgentsOptions, signal: AbortSignal): Promise<void> {
  const places: Places = existsSync(options.file) ? readJsonFile(options.file, placesSchema) : {};
  for (const parameters of options.parameters) {
    for (let pauseMs = RETRY_MS; !signal.aborted; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
      try {
        await deployAgent(options, places, parameters);
        break;
      } catch (err) {
        // It may be starting only now: where that takes long, its own words are enough.
        const { code, message: why } = err instanceof HandselError ? err : { code: 'UNEXPECTED', message: String(err) };
        options.log.info({ currency: parameters.currency, code, why }, 'the market did not take the agent yet');
        // The market lost the place, or gave it to nobody: another one is reserved.
        if (err instanceof HandselError && FORGOTTEN.has(err.code)) delete places[parameters.currency];
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    }
  }
}

const FORGOTTEN = new Set(['RESERVATION_UNKNOWN', 'AGENT_KEY', 'AGENT_OF_ANOTHER']);

async function deployAgent(options: MerchantAgentsOptions, places: Places, parameters: MerchantParameters) {
  const { signer, file, log } = options;
  places[parameters.currency] ??= await reservePlace(options);
  const { agent, chain } = places[parameters.currency]!;
  replaceFile(file, JSON.stringify(places, null, 2));
  const body = signMessage(
    deployType,
    {
      agent,
      parameters: signMessage(merchantParametersType, parameters, signer),
      agentChain: chain.map((der) => new Uint8Array(Buffer.from(der, 'base64'))),
    },
    signer,
  );
  await ask(options, 'deploy', body);
  log.info({ agent, currency: parameters.currency, goods: parameters.goods.length }, 'the agent sells on the market');
}

async function reservePlace(options: MerchantAgentsOptions): Promise<Places[string]> {
  const { authority, signer, nowMs, random } = options;
  const agent = randomUUID();
  const subject = extendName(authority.chain[0]!.subject, { CN: agent }).der;
  const expiresAtMs = nowMs() + RESERVE_MS;
  const answer = await ask(
    options,
    'reserve',
    signMessage(reserveType, { agent, role: 'merchant', subject, expiresAtMs }, signer),
  );
  const certificate = issueAgentCertificate({
    authority: authority.chain[0]!,
    authorityKey: authority.privateKey,
    request: readCertificateRequest(decodeShape(reservedType, answer).certificateRequest),
    agentName: agent,
    notBeforeMs: nowMs() - CLOCK_SLACK_MS,
    notAfterMs: nowMs() + CERTIFICATE_MS,
    random,
  });
  const chain = [certificate, ...authority.chain].map(({ der }) => Buffer.from(der).toString('base64'));
  return { agent, chain };
}

async function ask({ client, market }: MerchantAgentsOptions, kind: string, body: Uint8Array): Promise<Uint8Array> {
  const message = { kind, contentType: 'application/cose', extension: 'cose', body };
  const answer = await client.post(`${market}/agent/${kind}`, message);
  if (answer.status === 200) return answer.body;
  const problem = readProblem(answer.body);
  throw new HandselError(problem?.code ?? 'MARKET_REFUSED', problem?.detail ?? `the market answered ${answer.status}`);
}
