/** Standing on the network, and standing in a merchant's own server: what goes through is on record, and goes on. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';

export interface Wiretap {
  readonly port: number;
  /** Where connections go on to. */
  target(port: number): void;
  /** Of each connection, both ways. */
  readonly connections: { readonly up: Buffer[]; readonly down: Buffer[] }[];
  close(): void;
}

/** Sees the bytes of the network and cannot change them. */
export async function openWiretap(): Promise<Wiretap> {
  const connections: Wiretap['connections'] = [];
  const sockets = new Set<Socket>();
  let port = 0;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const seen = { up: [] as Buffer[], down: [] as Buffer[] };
    connections.push(seen);
    join(near, far, { up: (data) => seen.up.push(data), down: (data) => seen.down.push(data) });
    for (const socket of [near, far]) sockets.add(socket);
  });
  await listening(server);
  return {
    port: portOf(server),
    connections,
    target(next) {
      port = next;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

export interface CuriousServer extends Omit<Wiretap, 'connections'> {
  /** In clear, as they came: this is the merchant itself. */
  readonly connections: {
    readonly up: Buffer[];
    readonly down: Buffer[];
    /** What the other end showed of itself when asked for a certificate: DER. */
    readonly shown: Uint8Array[];
    /** Whether it went on with an earlier TLS session, which says that it is the same other end. */
    readonly resumed: boolean;
  }[];
}

/** A merchant's TLS server that asks everybody for a certificate, whatever the software behind it is content with. */
export async function openCurious(tls: {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}): Promise<CuriousServer> {
  const connections: CuriousServer['connections'] = [];
  const sockets = new Set<Socket>();
  let port = 0;
  const server = createTlsServer(
    { ...tls, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false },
    (near: TLSSocket) => {
      const far = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
      const certificate = near.getPeerX509Certificate();
      const shown = certificate === undefined ? [] : [new Uint8Array(certificate.raw)];
      const seen = { up: [] as Buffer[], down: [] as Buffer[], shown, resumed: near.isSessionReused() };
      connections.push(seen);
      join(near, far, { up: (data) => seen.up.push(data), down: (data) => seen.down.push(data) });
      for (const socket of [near, far]) sockets.add(socket);
    },
  );
  await listening(server);
  return {
    port: portOf(server),
    connections,
    target(next) {
      port = next;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function join(near: Socket, far: Socket, record: { up(data: Buffer): void; down(data: Buffer): void }): void {
  near.on('data', record.up);
  far.on('data', record.down);
  near.pipe(far);
  far.pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;
