/**
 * nginx before several servers, each request to the next one. Everything it writes goes into one folder.
 *
 * @param options.servers ports of the servers
 */
export const nginxConfig = ({ dir, port, servers }) => `
daemon off;
pid ${dir}/nginx.pid;
error_log stderr error;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  map $http_upgrade $connection_header { default upgrade; '' ''; }
  upstream fleet {
${servers.map((server) => `    server 127.0.0.1:${server};`).join('\n')}
    keepalive 32;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://fleet;
      proxy_http_version 1.1;
      # Live streams never end: they are passed on at once, and are quiet as long as nobody publishes.
      proxy_buffering off;
      proxy_read_timeout 1h;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_header;
      # A server that has just ended is passed over.
      proxy_next_upstream error;
    }
  }
}
`
