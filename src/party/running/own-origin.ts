/** Where a developer's own server is reached, as it is written when a till is opened. */
import { ConfigurationError } from '../configuration/configuration.ts';

/** @throws ConfigurationError for what is no URL of a server */
export function ownOrigin(url: unknown): URL {
  const example = "such as url: 'https://api.bakery.example'";
  if (typeof url !== 'string' || !URL.canParse(url)) {
    throw new ConfigurationError(`say where customers reach the server that charges, ${example}`);
  }
  const parsed = new URL(url);
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw new ConfigurationError(`expected the http or https URL of the server that charges, ${example}; saw ${url}`);
  }
  return parsed;
}
