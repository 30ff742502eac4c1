/** A broker that was started for a test; Mosquitto, NATS and Aedes have the same handle. */
export interface RunningBroker {
  /** For MQTT over TCP (or TLS): `mqtt://127.0.0.1:…`. */
  readonly url: string
  readonly port: number
  /** What it has written about itself so far. */
  log(): string
  /** Ends it at once, as a crash would (SIGKILL), or with another signal; resolves when it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Starts it again, at the same port with the same files; ends it before where it still runs (SIGTERM). */
  restart(): Promise<void>
  /** Ends it in order. */
  stop(): Promise<void>
}
