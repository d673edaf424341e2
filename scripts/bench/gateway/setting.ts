/** What the benchmark tells a contender, in the environment variable BENCH. */
export interface BenchSetting {
  /** The file of the composed supergraph. */
  readonly supergraph: string
  /** The addresses of the subgraphs, by name. */
  readonly subgraphs: Readonly<Record<string, string>>
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  /** A folder for files of the contender's own. */
  readonly folder: string
}

export function readSetting(): BenchSetting {
  return JSON.parse(process.env['BENCH'] ?? '{}') as BenchSetting
}
