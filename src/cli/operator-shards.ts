/** `handsel operator shards`: how an operator's shards are, and whether money is under way between them. */
import { Command } from 'commander';
import { HandselError } from '../handsel-error.ts';
import type { ShardsView, ShardView } from '../party/operator/sharded-accounts.ts';
import { askOwnParty } from './own-party.ts';

interface ShardsOptions {
  readonly config: string;
  readonly json?: true;
}

/** `write` receives what goes to standard output. */
export function operatorShardsCommand(write: (text: string) => void): Command {
  return new Command('shards')
    .description('how each shard of its accounts for deposits is, and what is under way between them')
    .requiredOption('--config <file>', "the operator's configuration, or its folder")
    .action(async ({ config, json }: ShardsOptions) => {
      const view = await askOwnParty<ShardsView>('operator', config, { method: 'GET', path: '/operator/shards' }).catch(
        (cause: unknown): never => {
          if (!(cause instanceof HandselError) || cause.code !== 'ROUTE_UNKNOWN') throw cause;
          throw new HandselError('SHARDS_NONE', 'this operator has no shards: its accounts are not cut', { cause });
        },
      );
      write(
        json
          ? `${JSON.stringify(view)}\n`
          : linesOf(view)
              .map((line) => `${line}\n`)
              .join(''),
      );
    });
}

function linesOf({ shards, underWay }: ShardsView): readonly string[] {
  const between =
    underWay === undefined
      ? 'under way between shards: not known while one is away'
      : `under way between shards: ${underWay.length === 0 ? 'nothing' : underWay.join(', ')}`;
  return [...shards.flatMap(linesOfShard), between];
}

function linesOfShard(shard: ShardView): readonly string[] {
  const { number, state, since, restarts, reason, accounts, sessions, deposits, violations = [] } = shard;
  const began = since === undefined ? '' : ` since ${since}, started again ${restarts} times`;
  if (state === 'away') return [`shard ${number}: AWAY${began}: ${reason}`];
  return [
    `shard ${number}: running${began}; ${accounts} accounts, ${sessions} sessions, ${deposits} open deposits`,
    ...violations.map((violation) => `  WRONG: ${violation}`),
  ];
}
