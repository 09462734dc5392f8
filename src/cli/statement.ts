/** `handsel statement`: what came of deposits, and what was paid back of deliveries, as the customer, the merchant or an operator has it. */

import { dirname } from 'node:path';
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import {
  ConfigurationError,
  configurationFile,
  readConfiguration,
  statedKind,
} from '../party/configuration/configuration.ts';
import type { OperatorRefunds } from '../party/operator/operator-refunds.ts';
import { type AnyStatement, statementLines } from './deposit-words.ts';
import type { GlobalOptions } from './global-options.ts';
import { askOwnParty } from './own-party.ts';
import { type AnyRefunds, refundLines } from './refund-words.ts';
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
    .description('what came of deposits and refunds: of the customer, or of the merchant or operator that is named')
    .option('--config <file>', "the party's configuration, or its folder (default: the customer of the home)")
    .addHelpText('after', EXAMPLES)
    .action(async (options: StatementOptions) => {
      const statement = await ask(options);
      const refunds = await askRefunds(statement.party, options);
      const lines = [...statementLines(statement), ...refundLines(refunds)];
      const { party: _, ...told } = refunds;
      write(options.json ? `${JSON.stringify({ ...statement, ...told })}\n` : `${lines.join('\n')}\n`);
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

/** Whoever has no part in secure delivery has paid nothing back, nor been paid. */
const NO_DELIVERY = new Set(['DELIVERY_MISSING', 'ROUTE_UNKNOWN']);

async function askRefunds(party: AnyStatement['party'], { config, ...options }: StatementOptions): Promise<AnyRefunds> {
  try {
    if (party === 'customer') {
      const home = config === undefined ? [] : [dirname(configurationFile(config))];
      return { party, refunds: await stationClient(options, ...home).get('/refunds') };
    }
    if (party === 'merchant') {
      return { party, refunds: await askOwnParty(party, config!, { method: 'GET', path: '/merchant/refunds' }) };
    }
    const said = await askOwnParty<OperatorRefunds>(party, config!, { method: 'GET', path: '/operator/refunds' });
    return { party, ...said };
  } catch (cause) {
    if (!(cause instanceof HandselError) || !NO_DELIVERY.has(cause.code)) throw cause;
    return party === 'operator' ? { party, refunds: [], waiting: [], unfollowed: [] } : { party, refunds: [] };
  }
}
