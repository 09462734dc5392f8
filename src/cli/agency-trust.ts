/** `handsel agency untrusted|distrust|trust-again|pardon`: which devices and names count, by the people of a running agency. */
import type { Command } from 'commander';
import type { UntrustedView } from '../party/trusted/standing-control.ts';
import { askOwnParty } from './own-party.ts';

type Write = (text: string) => void;

interface TrustOptions {
  readonly config: string;
  readonly json?: true;
}

const isDevice = (who: string) => /^\d+-\d+$/.test(who);

export function addTrustCommands(agency: Command, write: Write): void {
  const ask = async (options: TrustOptions, body?: object) => {
    const how = body === undefined ? { method: 'GET' as const } : { method: 'POST' as const, body };
    const view = await askOwnParty<UntrustedView>('agency', options.config, { ...how, path: '/trusted/untrusted' });
    write(options.json ? `${JSON.stringify(view)}\n` : untrustedText(view));
  };
  const add = (name: string, description: string) =>
    agency
      .command(name)
      .description(description)
      .requiredOption('--config <file>', "the running agency's configuration, or its folder");
  add('untrusted', 'the devices and names that are not trusted any more').action((options: TrustOptions) =>
    ask(options),
  );
  add('distrust', 'take trust from a device, or from a name; whoever refreshes its lists refuses it')
    .argument('<who>', "a device's number, such as 1-5, or the name in a credential")
    .action((who: string, options: TrustOptions) =>
      ask(options, isDevice(who) ? { act: 'distrust', device: who } : { act: 'distrust-name', name: who }),
    );
  add('trust-again', 'take it off the list')
    .argument('<who>', 'as for distrust')
    .action((who: string, options: TrustOptions) =>
      ask(options, isDevice(who) ? { act: 'trust-again', device: who } : { act: 'trust-name-again', name: who }),
    );
  add('pardon', 'a merchant that lost too many disputes keeps its standing')
    .argument('<device>', 'its number, such as 1-5')
    .action((device: string, options: TrustOptions) => ask(options, { act: 'pardon', device }));
}

function untrustedText({ version, devices, names }: UntrustedView): string {
  const all = [...devices.map((number) => `device ${number}`), ...names.map((name) => `name ${name}`)];
  const lines = all.length > 0 ? all : ['nobody is untrusted'];
  return `list version ${version}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
