/** Table 2-1: the upper four bits of the first byte of a packet (2.1.2). */
export const CONNECT = 1
export const CONNACK = 2
export const PUBLISH = 3
export const PUBACK = 4
export const SUBSCRIBE = 8
export const SUBACK = 9
export const UNSUBSCRIBE = 10
export const UNSUBACK = 11
export const PINGREQ = 12
export const PINGRESP = 13
export const DISCONNECT = 14
export const AUTH = 15

/** The largest Variable Byte Integer, four bytes (1.5.5), and so the largest Remaining Length (2.1.4). */
export const MAXIMUM_LENGTH = 268_435_455
