/** `handsel merchant …`: what belongs to a merchant's side. */
import { Command } from 'commander';
import { merchantCatalogueCommand } from './merchant-catalogue.ts';

export function merchantCommand(): Command {
  return new Command('merchant').addCommand(merchantCatalogueCommand());
}
