/** RFC 3986, 3.2: is there a user in it? */
export function namesUser(url: string): boolean {
  return /^[a-z]+:\/\/[^/?#]*@/i.test(url)
}
