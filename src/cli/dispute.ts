/** `handsel dispute …`: complaints about what was bought, the answers to them, and what was ruled (docs/delivery.md, docs/disputes.md). */
import { Command, Option } from 'commander';
import { HandselError } from '../handsel-error.ts';
import { complaints } from '../trusted/message/dispute.ts';
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
  $ handsel dispute ruling PAYMENT --out ruling.bundle                 everything it rests on, for handsel verify-ruling
  $ handsel dispute open ticket:3f2a --with opera --statement "The seat is behind a pillar."
  $ handsel dispute show --kind ticket
  $ handsel dispute answer dispute:91c0 --merchant opera --grant replacement --statement "Another seat."`;

type Write = (text: string) => void;
type Act = 'open' | 'answer' | 'escalate' | 'ruling';
type Grant = 'refund' | 'replacement';

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
  acting('open', 'complain of what was bought', bought)
    .requiredOption('--statement <text>', 'what is not as described')
    .option('--with <device>', "for tickets: the merchant's device, its name in this network or its URL")
    .addOption(new Option('--about <what>', 'for tickets: what is wrong').choices(complaints).default('defective'));
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
    .requiredOption('--merchant <dir>', "the merchant's folder, or its configuration; for tickets its device")
    .addOption(
      new Option('--grant <what>', 'for tickets: may be given twice; without it the dispute is denied')
        .choices(['refund', 'replacement'])
        .argParser((what: string, before: readonly Grant[] = []) => [...before, what as Grant]),
    )
    .option('--replacement <file>', 'for tickets: the new one, as for `handsel tickets issue`');
  acting('escalate', 'take it to whoever decides, or ask where it stands there', 'the payment, or the dispute')
    .option('--statement <text>', 'for whoever decides')
    .option('--appeal', 'against a ruling on a ticket, while it is not final')
    .addOption(merchantOption());
  common(
    dispute
      .command('choose')
      .description('for tickets: collect what was granted or ruled')
      .argument('<id>', 'the dispute'),
  )
    .addOption(new Option('--what <what>', 'which').choices(['refund', 'replacement']).default('refund'))
    .option('--card <ticket>', 'the card credential to which a refund goes')
    .action(async (id: string, options: DisputeOptions) => {
      const { choose } = await disputeKind(id, options);
      if (choose === undefined)
        throw new HandselError('NOTHING_TO_CHOOSE', 'what is ruled on a delivery comes by itself');
      await choose(id, options, write);
    });
  acting('ruling', 'what was ruled, with everything it rests on; for arbiters: to rule', 'the payment, or the case')
    .addOption(arbiterOption())
    .addOption(
      new Option('--decide <outcome>', 'for arbiters, where only eyes can tell').choices([
        'refund',
        'replacement',
        'dismissed',
      ]),
    )
    .option('--person <name>', 'for arbiters: who decides')
    .option('--statement <text>', 'for arbiters: the reason, in words')
    .option('--seen <text>', 'for tickets: what was looked at')
    .option('--out <file>', 'write the evidence bundle there');
  return dispute;
}

function common(command: Command): Command {
  return command
    .addOption(kindOption())
    .option(
      '--device <name>',
      'for tickets: whose device (default: $HANDSEL_DEVICE, or the first person of the network)',
    )
    .option('--part <n>', 'of a purchase of several goods, which one', wholeFrom([0, 15]), 0);
}

const merchantOption = () =>
  new Option('--merchant <dir>', "for merchants: the merchant's folder, or its configuration");
const arbiterOption = () => new Option('--arbiter <dir>', "for arbiters: the arbiter's folder, or its configuration");
