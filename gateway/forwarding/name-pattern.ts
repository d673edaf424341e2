/**
 * Returns whether a name matches any of the patterns, in which `*` stands for any number of characters. There is no
 * regular expression, whose time a name could make exponential.
 */
export function namePatterns(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map(namePattern)
  return (name) => tests.some((test) => test(name))
}

function namePattern(pattern: string): (name: string) => boolean {
  const [first = '', ...others] = pattern.split('*')
  const last = others.pop()
  if (last === undefined) return (name) => name === first

  return (name) => {
    if (!name.startsWith(first)) return false
    let at = first.length
    for (const part of others) {
      const found = name.indexOf(part, at)
      if (found === -1) return false
      at = found + part.length
    }
    return name.length - last.length >= at && name.endsWith(last)
  }
}
