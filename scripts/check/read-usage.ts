/** The usage of fields that gateways have reported, from files or from the gateways themselves. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { displayUrl, isUrl } from '../../gateway/supergraph/remote-supergraph.ts'
import { readBody } from '../../gateway/values/read-body.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { displayPath } from '../compose/problem.ts'

/** How long a gateway may take to respond, in milliseconds. */
const timeLimit = 10_000
/** In bytes; a gateway reports less than 10 MB. */
const sizeLimit = 64 * 1024 * 1024

/** The uses of a coordinate by one client. */
export interface ClientUse {
  /** The name and the version of the client, if it has one. */
  readonly client: string
  readonly requests: number
  /** In ISO 8601. */
  readonly lastSeen: string
}

/** What all reports have together. */
export interface RecordedUsage {
  readonly since: string
  readonly until: string
  readonly requests: number
  /** Whether all coordinates that were used are here. */
  readonly isComplete: boolean
  readonly coordinates: ReadonlyMap<string, readonly ClientUse[]>
}

const time = z.iso.datetime()
const count = z.object({ requests: z.int().nonnegative(), lastSeen: time })
const client = count.extend({ name: z.string().optional(), version: z.string().optional() })
const reportForm = z.object({
  id: z.string(),
  since: time,
  until: time,
  complete: z.boolean(),
  requests: z.int().nonnegative(),
  coordinates: z.record(
    z.string(),
    count.extend({ clients: z.array(client), other: count.optional() }),
  ),
})

type Report = z.infer<typeof reportForm>

/**
 * Returns the sum of the reports at these paths and URLs. Of several reports of one gateway, the last includes
 * the others. Throws a StartFailure for what is not a report.
 */
export async function readUsage(sources: readonly string[]): Promise<RecordedUsage> {
  const reports = await Promise.all(sources.map(readReport))
  const lastOfGateway = new Map<string, Report>()
  for (const report of reports) {
    const known = lastOfGateway.get(report.id)
    if (!known || known.until < report.until) lastOfGateway.set(report.id, report)
  }
  return sumOf([...lastOfGateway.values()])
}

async function readReport(source: string): Promise<Report> {
  const name = isUrl(source) ? nameOfUrl(source) : displayPath(source)
  const text = await (isUrl(source) ? fetched(source, name) : contentOf(source))
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (cause) {
    throw new StartFailure(`${name} is not JSON: ${expected}`, { cause })
  }
  const read = reportForm.safeParse(content)
  if (read.success) return read.data
  const [{ path, message }] = read.error.issues as [z.core.$ZodIssue]
  const place = path.length > 0 ? ` (${path.join('.')}: ${message})` : ''
  throw new StartFailure(`${name} is no report of usage${place}: ${expected}`)
}

const expected = 'save what GET /usage on the metrics port of a gateway responds'

async function contentOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const code = cause.code ?? cause.message
    const reason = code === 'ENOENT' ? 'is not there' : `cannot be read (${code})`
    throw new StartFailure(`the usage ${displayPath(path)} ${reason}: name it with --usage`, {
      cause,
    })
  })
}

/** Returns what messages say of the URL: a user, a password or a query may be secrets. */
function nameOfUrl(url: string): string {
  if (!URL.canParse(url)) throw new StartFailure('a URL of --usage is not valid: correct it')
  const { username, password } = new URL(url)
  if (!username && !password) return displayUrl(url)
  const instead = 'save it with another program, and give the file'
  throw new StartFailure(`the usage at ${displayUrl(url)} needs a user or a password: ${instead}`)
}

async function fetched(url: string, name: string): Promise<string> {
  const failure = (reason: string, cause?: unknown) =>
    new StartFailure(`the usage at ${name} cannot be read: ${reason}`, { cause })
  try {
    const signal = AbortSignal.timeout(timeLimit)
    const { status, body } = await fetch(url, { redirect: 'error', signal })
    const chunks = (body ?? []) as AsyncIterable<Buffer>
    const text = await readBody(chunks, sizeLimit, (size) => failure(`it has ${size}`))
    if (status !== 200) throw failure(`it responds with ${status}`)
    return text
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause
    const { name, message, cause: reason } = cause as Error
    if (name === 'TimeoutError') throw failure(`no response within ${timeLimit / 1000} s`, cause)
    const { code, message: sentence } = (reason ?? {}) as Partial<NodeJS.ErrnoException>
    throw failure(code ?? sentence ?? message, cause)
  }
}

function sumOf(reports: readonly Report[]): RecordedUsage {
  const byCoordinate = new Map<string, Map<string, ClientUse>>()
  for (const { coordinates } of reports) {
    for (const [coordinate, { clients, other }] of Object.entries(coordinates)) {
      const uses = byCoordinate.get(coordinate) ?? new Map<string, ClientUse>()
      byCoordinate.set(coordinate, uses)
      for (const each of clients) addUse(uses, clientOf(each), each)
      if (other) addUse(uses, 'other clients', other)
    }
  }
  return {
    since: reports.map(({ since }) => since).sort()[0]!,
    until: reports
      .map(({ until }) => until)
      .sort()
      .at(-1)!,
    requests: reports.reduce((sum, { requests }) => sum + requests, 0),
    isComplete: reports.every(({ complete }) => complete),
    coordinates: new Map(
      [...byCoordinate].map(([coordinate, uses]) => [coordinate, [...uses.values()]]),
    ),
  }
}

function clientOf({ name, version }: z.infer<typeof client>): string {
  const words = [name, version].filter((word) => word !== undefined)
  return words.length > 0 ? words.join(' ') : 'clients without a name'
}

function addUse(
  uses: Map<string, ClientUse>,
  client: string,
  { requests, lastSeen }: z.infer<typeof count>,
): void {
  const known = uses.get(client)
  uses.set(client, {
    client,
    requests: requests + (known?.requests ?? 0),
    lastSeen: known && known.lastSeen > lastSeen ? known.lastSeen : lastSeen,
  })
}
