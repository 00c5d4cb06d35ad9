/** User agent and address of the checked client, unless the command line says otherwise. */
export const USER_AGENT = 'nms-http-auth-check'
export const ADDRESS = '127.0.0.1'
