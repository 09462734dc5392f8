/** `handsel statement`: what came of deposits, as the customer, the merchant or an operator has it. */

import { dirname } from 'node:path';
import { Command } from 'commander';
import {
  ConfigurationError,
  configurationFile,
  readConfiguration,
  statedKind,
} from '../party/configuration/configuration.ts';
import { type AnyStatement, statementLines } from './deposit-words.ts';
import type { GlobalOptions } from './global-options.ts';
import { askOwnParty } from './own-party.ts';
import { stationClient } from './station-client.ts';

interface StatementOptions extends GlobalOptions {
  readonly config?: string;
}

const EXAMPLES = `
Examples:
  $ handsel statement                                the customer's
  $ handsel statement --config .handsel/atlas        a merchant's
  $ handsel statement --config .handsel/south        an operator's: customers, merchants, other operators, settlements

The party has to be running.`;

/** `write` receives what goes to standard output. */
export function statementCommand(write: (text: string) => void = (text) => void process.stdout.write(text)): Command {
  return new Command('statement')
    .description('what came of deposits: of the customer, or of the merchant or operator that is named')
    .option('--config <file>', "the party's configuration, or its folder (default: the customer of the home)")
    .addHelpText('after', EXAMPLES)
    .action(async (options: StatementOptions) => {
      const statement = await ask(options);
      write(options.json ? `${JSON.stringify(statement)}\n` : `${statementLines(statement).join('\n')}\n`);
    });
}

async function ask({ config, ...options }: StatementOptions): Promise<AnyStatement> {
  if (config === undefined) return stationClient(options).get('/statement');
  const file = configurationFile(config);
  const kind = statedKind(file);
  switch (kind) {
    case 'customer':
      return stationClient(options, dirname(file)).get('/statement');
    case 'merchant':
    case 'operator':
      return askOwnParty(kind, config, { method: 'GET', path: `/${kind}/deposits` });
    default:
      // Says it where the file is not there, or no JSON.
      readConfiguration('customer', file);
      throw new ConfigurationError(`${file} is not the configuration of a customer, a merchant or an operator`);
  }
}
