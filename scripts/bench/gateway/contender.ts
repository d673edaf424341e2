/** What the benchmark knows of a contender: how to start it, and how to measure it. */
import type { BenchOperation } from './operations.ts'
import type { ProcessUsage } from './process-usage.ts'
import type { BenchSetting } from './setting.ts'

/** Two contenders may have one name: a gateway may need other options for authorization. */
export interface Contender {
  readonly name: string
  /** Says whether the benchmark sends the operation to it. */
  executes(operation: BenchOperation): boolean
  /** Returns undefined if the program is not installed. */
  start(setting: BenchSetting): Promise<RunningContender | undefined>
}

export interface RunningContender {
  readonly name: string
  readonly url: string
  executes(operation: BenchOperation): boolean
  usage(): ProcessUsage
  /** Makes measurements independent of what was before: garbage is collected, the peak of memory restarts. */
  settle(): Promise<void>
  stop(): void
}

export const everything = () => true

/** Accepts the operations for which a gateway need not authorize fields. */
export const withoutAuthorization = ({ needsAuthorization = false }: BenchOperation) =>
  !needsAuthorization

export const withAuthorization = ({ needsAuthorization = false }: BenchOperation) =>
  needsAuthorization
