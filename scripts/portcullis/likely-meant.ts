/** Returns the name that differs least from a word, if it is close enough to be meant. */
export function likelyMeant(word: string, names: readonly string[]): string | undefined {
  if (word.length > longest) return undefined
  const [nearest] = names
    .map((name) => ({ name, edits: editDistance(word.toLowerCase(), name) }))
    .sort((a, b) => a.edits - b.edits)
  return nearest && nearest.edits <= Math.ceil(nearest.name.length / 3) ? nearest.name : undefined
}

/** No name is that long. */
const longest = 40

/** Returns how many letters have to be added, removed or replaced (Levenshtein). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [row, letter] of [...from].entries()) {
    const current = [row + 1]
    for (let column = 0; column < to.length; column++) {
      const replaced = above[column]! + (letter === to[column] ? 0 : 1)
      current.push(Math.min(replaced, above[column + 1]! + 1, current[column]! + 1))
    }
    above = current
  }
  return above[to.length]!
}
