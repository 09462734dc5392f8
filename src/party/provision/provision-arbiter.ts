/** The files of a new arbiter: its identity, and whom it knows. */
import { chainFile, issueIdentity } from '../configuration/issue-for-party.ts';
import { KEY_LENGTH, keyFileText } from '../configuration/key-file.ts';
import { type NewFile, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';
import { asJson, type PartyOptions } from './provision-bank.ts';
import { certifiedHosts, urlAt } from './provision-plan.ts';

export function arbiterFiles(options: PartyOptions & { readonly url: string }): {
  readonly files: NewFiles;
  readonly certificate: NewFile;
} {
  const { agency, plan, peers, random, url } = options;
  const { name, port } = plan.arbiter;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const configuration = {
    party: 'arbiter',
    name,
    listen: { host: plan.hostOf(name), port },
    communication: identity.communication,
    peers,
    store: { kind: 'sqlite', directory: 'journals' },
    url,
    storageKey: 'storage.key',
    cases: 'cases',
    trustees: plan.operators.map((operator) => ({
      name: operator.name,
      url: urlAt(plan, operator.name, operator.port),
      merchants: plan.merchants
        .filter(({ acquirer }) => acquirer.name === operator.name)
        .map((merchant) => ({ name: merchant.name, url: urlAt(plan, merchant.name, merchant.port) })),
    })),
  };
  const files: NewFiles = new Map([
    ...identity.files,
    ['storage.key', secretFile(keyFileText(random(KEY_LENGTH)))],
    ['party.json', publicFile(asJson(configuration))],
  ]);
  return { files, certificate: chainFile([identity.certificate]) };
}
