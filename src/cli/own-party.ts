/** How commands ask a running party: over its own port, with its own certificate. */
import { HandselError } from '../handsel-error.ts';
import { configurationFile, readConfiguration } from '../party/configuration/configuration.ts';
import { partyClient, readCommunication } from '../party/running/communication.ts';
import { createLog } from '../transport/log.ts';
import { readProblem } from '../transport/problem.ts';

/** @throws ConfigurationError; HandselError with the code and words of the party's refusal; TransportError */
export async function askOwnParty<T>(
  kind: 'operator' | 'merchant' | 'arbiter' | 'agency',
  config: string,
  ask: { readonly method: 'GET' | 'POST'; readonly path: `/${string}`; readonly body?: unknown },
): Promise<T> {
  const { configuration, path } = readConfiguration(kind, configurationFile(config));
  const { name, peers, listen } = configuration;
  const identity = readCommunication(configuration.communication, path);
  const client = partyClient({ name, identity, peers, surroundings: { log: createLog({ name, level: 'silent' }) } });
  const own = Object.keys(peers).find((url) => peers[url] === name) ?? `https://${listen.host}:${listen.port}`;
  const body = Buffer.from(ask.body === undefined ? '' : JSON.stringify(ask.body));
  const message = { kind: ask.path.slice(1), contentType: 'application/json', extension: 'json', body };
  try {
    const answer = await (ask.method === 'GET'
      ? client.get(`${own}${ask.path}`)
      : client.post(`${own}${ask.path}`, message));
    if (answer.status === 200) return JSON.parse(Buffer.from(answer.body).toString('utf8')) as T; // our own party
    const problem = readProblem(answer.body);
    throw new HandselError(problem?.code ?? `HTTP_${answer.status}`, problem?.detail || `the ${kind} could not do it`);
  } finally {
    client.close();
  }
}
