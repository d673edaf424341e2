import { readFile } from 'node:fs/promises'
import { directiveOf, guardKinds } from '../../gateway/authorization/guard-directives.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { displayPath } from '../compose/problem.ts'
import { decodeUtf8 } from '../compose/utf8.ts'
import { readYaml } from '../compose/yaml-file.ts'

/** The findings about names that can be accepted. */
const typoCodes: readonly string[] = guardKinds.flatMap(
  (kind) => directiveOf(kind).names?.typo ?? [],
)

/** The accepted names, by the code of the finding. */
export type AcceptedNames = Readonly<Record<string, readonly string[]>>

/** The file of the accepted names. */
export interface AcceptedFile {
  readonly path: string
  /** Whether its absence is an error. */
  readonly isRequired: boolean
}

const nothing: AcceptedNames = {}

/** Returns the names in the file, `SCOPE_TYPO: [one, another]`; throws a StartFailure if it is not valid. */
export async function readAcceptedNames(file: AcceptedFile): Promise<AcceptedNames> {
  const path = displayPath(file.path)
  const bytes = await readFile(file.path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' && !file.isRequired) return undefined
    const reason = cause.code === 'ENOENT' ? 'is not there' : `cannot be read (${cause.code})`
    throw new StartFailure(`the file of accepted names ${path} ${reason}: name it with --accept`, {
      cause,
    })
  })
  if (bytes === undefined) return nothing
  const decoded = decodeUtf8(bytes)
  if ('invalidLine' in decoded)
    throw new StartFailure(`${path}:${decoded.invalidLine} is not UTF-8`)
  const { content, faults, lineOf } = readYaml(decoded.text)
  const [fault] = faults
  if (fault) throw new StartFailure(`${path}:${fault.line}:${fault.column}: ${fault.message}`)
  return namesIn(content ?? {}, path, lineOf)
}

function namesIn(
  content: unknown,
  path: string,
  lineOf: (path: readonly PropertyKey[]) => number | undefined,
): AcceptedNames {
  const expected = `expected lists of names for ${typoCodes.join(' and ')}`
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new StartFailure(`${path}: ${expected}`)
  }
  for (const [code, names] of Object.entries(content)) {
    const isKnown = typoCodes.includes(code)
    if (isKnown && Array.isArray(names) && names.every((name) => typeof name === 'string')) continue
    throw new StartFailure(`${path}:${lineOf([code]) ?? 1}: ${code}: ${expected}`)
  }
  return content as AcceptedNames
}
