/** The lines to try it with, ready to paste into a second terminal. */
export const instructions = ({ host, rtmp, http, asked, token, open }) => {
  const rtmpUrl = (value) => `'rtmp://${host}:${rtmp}/live/s?token=${value}'`
  const httpUrl = (value) => `'http://${host}:${http}/live/s.flv?token=${value}'`
  const source = '-re -f lavfi -i testsrc2=size=640x360:rate=30 -f lavfi -i sine=frequency=440 ' +
    '-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -c:a aac -f flv'
  return `
Ready. The backend is http://127.0.0.1:${asked} and lets in who has the token ${token}. ${open ? '' : 'Only this machine can reach the server.'}
Open a second terminal, and a third.

Publish, and leave it running:
  ffmpeg -hide_banner ${source} ${rtmpUrl(token)}

Play:
  ffplay ${rtmpUrl(token)}
  ffplay ${httpUrl(token)}
Play without a screen:
  ffmpeg -hide_banner -i ${rtmpUrl(token)} -t 5 -f null -
  curl -s ${httpUrl(token)} | head -c 500000 > stream.flv

Be refused:
  ffmpeg -hide_banner ${source} ${rtmpUrl('wrong')}
  ffmpeg -hide_banner -i ${rtmpUrl('wrong')} -f null -
  curl -i ${httpUrl('wrong')}

What the backend is asked and what comes of it is printed here. Ctrl-C ends it.
`
}
