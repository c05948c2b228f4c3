/** What is known of a client by its address alone, kept for its next connection. */
import { clientNetwork } from '../http/client-network.ts';
import { strangerLines } from '../http/forwarded.ts';
import type { TrustedPeers } from '../http/trusted-peers.ts';
import type { ClientPeer } from './sides.ts';

/** Addresses kept: some 300 KiB a worker. With more at a time they are made anew. */
const KEPT = 1024;

export class ClientPeers {
  private readonly trusted: TrustedPeers;
  private readonly peers = new Map<string, ClientPeer>();

  constructor(trusted: TrustedPeers) {
    this.trusted = trusted;
  }

  of(address: string): ClientPeer {
    let peer = this.peers.get(address);
    if (peer === undefined) {
      if (this.peers.size === KEPT) this.peers.clear();
      peer = {
        address,
        network: clientNetwork(address),
        scheme: 'http',
        trusted: this.trusted.has(address),
        strangerLines: strangerLines(address, 'http'),
      };
      this.peers.set(address, peer);
    }
    return peer;
  }
}
