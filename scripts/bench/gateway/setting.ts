/** What a contender needs to know, passed in the environment variable BENCH. */
export interface BenchSetting {
  /** The file of the composed supergraph, without guards. */
  readonly supergraph: string
  /** The file of the same supergraph with guards, for contenders that authorize. */
  readonly guardedSupergraph: string
  /** The files of the schemas of the subgraphs, without guards, by name. */
  readonly schemas: Readonly<Record<string, string>>
  /** The addresses of the subgraphs, by name. */
  readonly subgraphs: Readonly<Record<string, string>>
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  /** The folder in which other gateways are installed. */
  readonly peers: string
  /** A folder in which the contender may write files. */
  readonly folder: string
}

/** Returns the setting of the contender that this process is. */
export function readSetting(): BenchSetting {
  return JSON.parse(process.env['BENCH'] ?? '{}') as BenchSetting
}
