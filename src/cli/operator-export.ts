/** `handsel operator export`: what the billing book of a running operator has of some business days, as one document. */
import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXPORT_FORMATS, type Exported } from '../billing/files/export-records.ts';
import { replaceFile } from '../party/files/replace-file.ts';
import { askOwnParty } from './own-party.ts';

interface ExportOptions {
  readonly config: string;
  readonly format: string;
  readonly from: string;
  readonly to?: string;
  readonly out?: string;
  readonly json?: true;
}

const HELP = `
Formats: camt.053 statements of every account that moved, a page a day; camt.054 notifications of cleared deposits; pacs.008 what was
paid to merchants of other operators; pacs.009 settlements we paid; csv every record. Days are business days of the operator
(\`deposits.billing.timeZone\` of its configuration). docs/billing.md says what is in each.

Examples:
  $ handsel operator export --config .handsel/south --format camt.053 --from 2026-10-01 --to 2026-10-31 --out october.xml
  $ handsel operator export --config .handsel/south --format csv --from 2026-10-02 | head`;

/** @throws InvalidArgumentError for what is no day at all */
function day(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('write a day such as 2026-10-02');
}

export function operatorExportCommand(write: (text: string) => void): Command {
  return new Command('export')
    .description('billing records of some business days: ISO 20022 messages or CSV')
    .requiredOption('--config <file>', "the operator's configuration, or its folder")
    .addOption(new Option('--format <format>', 'what to write').choices(EXPORT_FORMATS).makeOptionMandatory())
    .requiredOption('--from <day>', 'the first business day, such as 2026-10-02', day)
    .option('--to <day>', 'the last business day (default: the first)', day)
    .option('--out <file>', 'write there instead of to standard output')
    .addHelpText('after', HELP)
    .action(async ({ config, format, from, to = from, out, json }: ExportOptions) => {
      const query = new URLSearchParams({ format, from, to });
      const { text, contentType } = await askOwnParty<Exported>('operator', config, {
        method: 'GET',
        path: `/operator/billing?${query}`,
      });
      if (out === undefined) {
        write(json ? `${JSON.stringify({ format, from, to, contentType, text })}\n` : text);
        return;
      }
      const file = resolve(out);
      replaceFile(file, text);
      const bytes = Buffer.byteLength(text);
      write(json ? `${JSON.stringify({ format, from, to, file, bytes })}\n` : `${file}: ${format}, ${bytes} bytes\n`);
    });
}
