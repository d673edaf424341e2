/** A line of a process, as a person at a terminal reads it. */

/** Levels of pino that are worth a word. */
const levels: Readonly<Record<number, string>> = {
  40: 'warning: ',
  50: 'error: ',
  60: 'fatal: ',
}

/** What every line of a log has. */
const ofEveryLine = ['level', 'time', 'pid', 'hostname', 'name', 'msg', 'requestId']

type Fields = Readonly<Record<string, unknown>>

/**
 * Returns a line of a log in short, with what is special about it; any other line as it is.
 *
 * @param process the name of the process that wrote it
 */
export function readableLine(process: string, line: string): string {
  const fields = line.startsWith('{') ? parsed(line) : undefined
  if (!fields) return line
  if (isAccess(fields)) return `${process}: ${access(fields)}`
  if (typeof fields.msg !== 'string') return line
  const { err, ...others } = fields
  const details = Object.entries(others)
    .filter(([name, value]) => !ofEveryLine.includes(name) && value !== '')
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  const stack = (err as { stack?: string } | undefined)?.stack
  const words = [`${levels[Number(fields.level)] ?? ''}${fields.msg}`, ...details].join(' ')
  return `${process}: ${words}${stack ? `\n${stack}` : ''}`
}

/** Returns whether a line belongs to the access log. */
export function isAccessLine(line: string): boolean {
  const fields = line.startsWith('{') ? parsed(line) : undefined
  return fields !== undefined && isAccess(fields)
}

/** A request has a status; a subscription that has ended has none. */
function isAccess({ msg, outcome, status }: Fields): boolean {
  const isLine = typeof status === 'number' || outcome === 'ended'
  return msg === undefined && typeof outcome === 'string' && isLine
}

function access({ status, outcome, reason, type, operation, ms }: Fields): string {
  const what = [status, type ?? 'request', operation, outcome === 'ok' ? undefined : outcome]
  const why = reason === undefined ? '' : ` (${reason})`
  return `${what.filter((word) => word !== undefined).join(' ')}${why} in ${ms} ms`
}

function parsed(line: string): Fields | undefined {
  try {
    return JSON.parse(line) as Fields
  } catch {
    return undefined
  }
}
