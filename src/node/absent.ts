/** In pages this stands for the files that need Node, by the field `browser` of package.json: so bundlers leave those out. */
export function listenInProcess(): void {}
