/** The files of a new agency: its identity, its authorities with their keys, and the news it publishes about revocation. */
import { writeAgencyFiles } from '../../set/authority/agency-files.ts';
import { issueIdentity, trustFiles } from '../configuration/issue-for-party.ts';
import { below, type NewFiles, publicFile, secretFile } from '../files/new-files.ts';
import { asJson, type PartyOptions } from './provision-bank.ts';
import { certifiedHosts } from './provision-plan.ts';
import type { PrimaryFiles } from './provision-trusted.ts';

/** `primary` is what the agency needs as primary trusted server. */
export function agencyFiles({ agency, plan, news, peers, random }: PartyOptions, primary: PrimaryFiles): NewFiles {
  const { name, port } = plan.agency;
  const identity = issueIdentity(agency, { name, hosts: certifiedHosts(plan, name) });
  const configuration = {
    party: 'agency',
    name,
    listen: { host: plan.hostOf(name), port },
    communication: identity.communication,
    peers,
    // Where `handsel agency` looks for it.
    directory: '.',
    published: 'published',
    trusted: primary.configuration,
  };
  const authority = [...writeAgencyFiles(agency, { random })].map(
    ([path, content]) => [path, secretFile(content)] as const,
  );
  return new Map([
    ...identity.files,
    ...primary.files,
    ...authority,
    ...below(`published/${plan.brand}`, trustFiles(agency, news)),
    ['party.json', publicFile(asJson(configuration))],
  ]);
}
