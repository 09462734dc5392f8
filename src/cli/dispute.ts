/** `handsel dispute …`: complaints about what was bought, the answers to them, and what was ruled (docs/delivery.md). */
import { Command, Option } from 'commander';
import { wholeFrom } from './agent-options.ts';
import type { DisputeKind, DisputeOptions } from './dispute-kind.ts';
import { disputeKind, kindOption } from './dispute-kinds.ts';

const EXAMPLES = `
Examples:
  $ handsel dispute open PAYMENT --statement "These are the borders of 1914, not of today."
  $ handsel dispute show PAYMENT
  $ handsel dispute show --merchant .handsel/atlas                     what waits for the merchant's answer
  $ handsel dispute answer CASE --merchant .handsel/atlas --statement "It says so in the description."
  $ handsel dispute show --arbiter .handsel/arbiter                    the arbiter's open cases
  $ handsel dispute ruling CASE --arbiter .handsel/arbiter --decide refund --person "J. Smit" --statement "It is so."
  $ handsel dispute ruling PAYMENT --out ruling.bundle                 everything it rests on, for handsel verify-ruling`;

type Write = (text: string) => void;
type Act = 'open' | 'answer' | 'escalate' | 'ruling';

/** `write` receives what goes to standard output. */
export function disputeCommand(write: Write = (text) => void process.stdout.write(text)): Command {
  const dispute = new Command('dispute').addHelpText('after', EXAMPLES);
  const acting = (name: Act, description: string, id: string): Command =>
    common(dispute.command(name).description(description).argument('<id>', id)).action(
      async (given: string, options: DisputeOptions) => {
        const kind: DisputeKind = await disputeKind(given, options);
        await kind[name](given, options, write);
      },
    );
  const bought = 'the payment of what was bought';
  acting('open', 'complain of what was bought', bought).requiredOption(
    '--statement <text>',
    'what is not as described',
  );
  common(
    dispute.command('show').description('a dispute, or all that are open').argument('[id]', 'the payment, or the case'),
  )
    .addOption(merchantOption())
    .addOption(arbiterOption())
    .action(async (id: string | undefined, options: DisputeOptions) => {
      await (await disputeKind(id, options)).show(id, options, write);
    });
  acting('answer', 'for merchants: what you say to a complaint', 'the case')
    .requiredOption('--statement <text>', 'for whoever decides')
    .requiredOption('--merchant <dir>', "the merchant's folder, or its configuration");
  acting('escalate', 'take a dispute the merchant denied to whoever decides', 'the payment');
  acting('ruling', 'what was ruled, with everything it rests on; for arbiters: to rule', 'the payment, or the case')
    .addOption(arbiterOption())
    .addOption(
      new Option('--decide <outcome>', 'for arbiters, where only eyes can tell').choices(['refund', 'dismissed']),
    )
    .option('--person <name>', 'for arbiters: who decides')
    .option('--statement <text>', 'for arbiters: the reason, in words')
    .option('--out <file>', 'write the evidence bundle there');
  return dispute;
}

function common(command: Command): Command {
  return command
    .addOption(kindOption())
    .option('--part <n>', 'of a purchase of several goods, which one', wholeFrom([0, 15]), 0);
}

const merchantOption = () =>
  new Option('--merchant <dir>', "for merchants: the merchant's folder, or its configuration");
const arbiterOption = () => new Option('--arbiter <dir>', "for arbiters: the arbiter's folder, or its configuration");
