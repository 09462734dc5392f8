/** Where merchants' devices reach the card network, and where that reaches its operator. */
export const CARD_NETWORK_PATH = '/card-network';
export const INTERCHANGE_PATH = '/card-interchange';
