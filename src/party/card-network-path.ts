/** Where merchants' devices reach an operator's card network; apart, because a device does not carry the operator's code. */
export const CARD_NETWORK_PATH = '/card-network';
