/** JSON texts as no server of ours writes them: unusual but valid, or broken. */

/** Returns numbers from 0 up to 1. */
export type Random = () => number

const spaces = ['', '', '', ' ', '\n', '\r\n\t', '  ']
const extraNames = ['extra', '', '__proto__', 'constructor', 'toString', 'länge', '\ud83d', 'a"b\\']
const extraValues: readonly unknown[] = [
  null,
  -0.5e-7,
  'ünïcode \ud83d\ude00 \u2028',
  '\ud83d',
  [],
  {},
  [[{ data: { data: [] } }], 'x'],
]

/** Returns a JSON text of the value that JSON.stringify would not write. */
export function oddJson(value: unknown, random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const space = () => (random() < 0.2 ? pick(spaces) : '')
  let isScalar = false
  return text(value)

  function text(inner: unknown): string {
    if (typeof inner === 'string') return stringText(inner)
    if (typeof inner === 'number') return numberText(inner)
    if (typeof inner !== 'object' || inner === null) return JSON.stringify(inner)
    if (Array.isArray(inner)) return around('[', inner.map(text), ']')
    // An unknown member of an object that is a value of a scalar would be part of the value.
    const before = isScalar
    isScalar ||= '' in inner
    const own = around('{', members(Object.entries(inner)), '}')
    isScalar = before
    return own
  }

  function around(open: string, inner: readonly string[], close: string): string {
    const parts = inner.map((one) => `${space()}${one}${space()}`)
    return `${open}${parts.length === 0 ? space() : parts.join(',')}${close}`
  }

  function members(entries: readonly [string, unknown][]): string[] {
    const shuffled = random() < 0.3 ? entries.toSorted(() => random() - 0.5) : entries
    return shuffled.flatMap(([name, inner]) => {
      const own = member(name, inner)
      // The last of several members with one name counts, as for JSON.parse.
      const before = random() < 0.05 ? [member(name, pick(extraValues))] : []
      const isUnknown = (extra: string) => !isScalar && entries.every(([other]) => other !== extra)
      const extra = random() < 0.05 ? [pick(extraNames)].filter(isUnknown) : []
      return [...before, ...extra.map((one) => member(one, pick(extraValues))), own]
    })
  }

  function member(name: string, inner: unknown): string {
    return `${stringText(name)}${space()}:${space()}${text(inner)}`
  }

  function stringText(inner: string): string {
    const plain = JSON.stringify(inner)
    if (random() < 0.9) return plain
    const units = Array.from({ length: inner.length }, (_, index) => {
      const code = inner.charCodeAt(index)
      const hex = code.toString(16).padStart(4, '0')
      const isSurrogate = code >= 0xd800 && code <= 0xdfff
      if (isSurrogate || random() < 0.3) return `\\u${random() < 0.5 ? hex : hex.toUpperCase()}`
      return inner[index] === '/' ? '\\/' : JSON.stringify(inner[index]).slice(1, -1)
    })
    return `"${units.join('')}"`
  }

  function numberText(inner: number): string {
    const plain = Object.is(inner, -0) ? '-0' : JSON.stringify(inner)
    const forms = /^-?\d+$/.test(plain)
      ? [`${plain}.0`, `${plain}e0`, `${plain}.00E+00`, ...(inner === 0 ? [] : [`${plain}0e-1`])]
      : [plain]
    const form = random() < 0.1 ? pick(forms) : plain
    return Object.is(Number(form), inner) ? form : plain
  }
}

/** Returns a response with its members in some order, and some that mean nothing. */
export function oddResponse(
  { data, errors }: { readonly data?: unknown; readonly errors?: unknown },
  random: Random,
): Buffer {
  const members: [string, unknown][] = [['data', data ?? null]]
  if (errors !== undefined) members.push(['errors', errors])
  if (random() < 0.2) members.unshift(['extensions', { data: {}, errors: [{}] }])
  if (random() < 0.3) members.reverse()
  const mark = random() < 0.1 ? '\ufeff' : ''
  return Buffer.from(`${mark}${oddJson(Object.fromEntries(members), random)}`)
}

const wrongTexts = [
  ...['\u0000', '\u001f', '"', '\\', '\\x', '\\u12', '\\u00g0', "'", '\u00a0', '\ufeff', '/**/'],
  ...['{', '}', '[', ']', ',', ':', ',,', '01', '1.', '.5', '+1', '-', '1e', '1e+', 'NaN', 'nul'],
  ...['Infinity', 'undefined', 'True', '0x1', 'null', '{}', '{"a":1}', '""', '0'],
].map((text) => Buffer.from(text))
const wrongBytes = [
  [0xff],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
]

/** Returns the bytes with one fault, which may happen to be none. */
export function faulty(bytes: Buffer, random: Random): Buffer {
  const position = Math.floor(random() * (bytes.length + 1))
  const [before, after] = [bytes.subarray(0, position), bytes.subarray(position)]
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const some = random()
  if (some < 0.2) return before
  if (some < 0.3) return Buffer.concat([bytes, pick(wrongTexts)])
  if (some < 0.4) return Buffer.concat([pick(wrongTexts), bytes])
  if (some < 0.5) return Buffer.concat([before, Buffer.from(pick(wrongBytes)), after])
  if (some < 0.6) return Buffer.concat([before, pick(wrongTexts), after])
  // At a byte that means something in JSON: it is missing, or another one.
  const meaningful = [...bytes.keys()].filter((at) =>
    '{}[]",:\\0123456789'.includes(String.fromCharCode(bytes[at]!)),
  )
  const at = meaningful.length === 0 ? 0 : pick(meaningful)
  const instead = some < 0.8 ? [] : [...pick(wrongTexts)]
  return Buffer.from([...bytes.subarray(0, at), ...instead, ...bytes.subarray(at + 1)])
}

/** Returns what the bytes mean, a byte order mark aside; undefined if they are no JSON in UTF-8. */
export function meaningOf(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown }
  } catch {
    return undefined
  }
}
