/** Where the parties of the trusted agents' network reach each other. */

/** Trusted servers and devices, for each other. */
export const TRUSTED_PATH = '/trusted';

export const trustedRoute = (url: string): string => `${url}${TRUSTED_PATH}`;

/** Where merchants' devices reach the card network, and where that reaches its operator. */
export const CARD_NETWORK_PATH = '/card-network';
export const INTERCHANGE_PATH = '/card-interchange';
