/** Does a URL have a user in it (RFC 3986, 3.2.1)? */
export function namesUser(url: string): boolean {
  return /^[a-z]+:\/\/[^/?#]*@/i.test(url)
}
